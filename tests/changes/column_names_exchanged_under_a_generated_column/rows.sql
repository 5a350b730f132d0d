insert into items (id, a, b, c) values (1, 1, 2, 'p'), (2, 3, null, 'q');
