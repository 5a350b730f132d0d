insert into items (id, name) values (1, 'one'), (2, 'two'), (3, 'three');
insert into parts values (1, 2);
