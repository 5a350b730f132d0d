insert into items (id, n) values (1, 2), (2, 3);
