insert into items (id, n, price, code) values (1, 1, 1.2345, 'a'), (2, 7, null, 'b'), (3, -5, 2.5, null);
