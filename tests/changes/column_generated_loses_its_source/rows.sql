insert into items (id, a) values (1, 'one'), (2, 'two');
