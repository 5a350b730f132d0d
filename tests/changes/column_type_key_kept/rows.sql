insert into items (parent_id, name) values (null, 'a'), (1, 'b'), (1, 'c');
insert into parts values (1, 1, null), (2, 2, 3);
insert into notes values (1, 2);
