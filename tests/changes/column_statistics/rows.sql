insert into items (id, name, kind) values (1, 'one', 'a'), (2, 'two', 'a'), (3, 'three', 'b');
