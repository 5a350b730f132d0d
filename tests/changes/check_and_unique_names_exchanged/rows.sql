insert into items values (1, 1, 11, 1), (2, 2, 12, 1);
