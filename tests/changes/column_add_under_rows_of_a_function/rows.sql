insert into items (id, c) values (1, 2), (2, 3);
