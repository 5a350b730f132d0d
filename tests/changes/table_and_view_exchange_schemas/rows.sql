insert into items default values;
