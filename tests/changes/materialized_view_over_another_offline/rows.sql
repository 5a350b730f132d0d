insert into items values (1, 0), (2, 3), (3, 3);
