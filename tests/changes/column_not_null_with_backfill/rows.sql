insert into items (id, name) values (1, 'one'), (2, 'two'), (3, 'three');
insert into items values (9, null);
