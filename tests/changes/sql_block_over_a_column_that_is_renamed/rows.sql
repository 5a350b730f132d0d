insert into kinds (id, name, count) values (1, 'one', 4), (2, 'two', 5);
