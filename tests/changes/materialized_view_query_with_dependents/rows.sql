insert into items (id, name, size) values (1, 'a', 1), (2, 'b', 2), (3, 'c', 2); refresh materialized view sizes;
