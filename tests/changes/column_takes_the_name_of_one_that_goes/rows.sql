insert into items values (1, 1, 5), (2, 2, 6);
