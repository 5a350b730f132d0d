insert into items values (1, 1.5);
