insert into items default values; insert into items default values;
