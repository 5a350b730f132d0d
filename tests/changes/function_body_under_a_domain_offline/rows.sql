insert into items values (1, 20), (2, 30);
