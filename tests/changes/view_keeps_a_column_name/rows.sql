insert into items (id, size) values (1, 2), (2, 3);
