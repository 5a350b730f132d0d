insert into days default values; insert into days default values;
