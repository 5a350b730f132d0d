insert into items (id, size) values (1, 3), (2, 4);
