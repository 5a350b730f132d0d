insert into items (id, b) values (1, 10), (2, 20);
