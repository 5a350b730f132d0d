insert into kinds (id, name) values (1, 'one'), (2, 'two');
