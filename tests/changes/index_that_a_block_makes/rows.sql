insert into items values (1, 'a', 1), (2, 'b', 2);
