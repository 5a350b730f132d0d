insert into items (id, code, name) values (1, 'a', 'one'), (2, 'b', 'two'), (3, 'c', 'three');
