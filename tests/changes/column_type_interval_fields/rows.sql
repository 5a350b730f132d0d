insert into items values (1, '1 day 02:03:04');
