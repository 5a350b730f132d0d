insert into items (a, b) values (1, 10), (2, 20);
