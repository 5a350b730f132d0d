insert into items values (1, 10, -1, 'a'), (2, 20, -2, null);
