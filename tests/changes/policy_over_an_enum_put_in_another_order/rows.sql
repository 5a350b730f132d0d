insert into a (id, x) values (1, 'low'), (2, 'high'); insert into b (id) values (1), (2);
