insert into items (id, code) values (1, 'a'), (2, 'b'), (3, 'c');
