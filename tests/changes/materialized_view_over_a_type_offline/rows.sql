insert into items (id, name) values (1, 'one'), (2, 'two'), (3, 'three');
