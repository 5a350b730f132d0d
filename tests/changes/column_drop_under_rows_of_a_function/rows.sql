insert into items (id, c, d) values (1, 2, 3), (2, 3, 4);
