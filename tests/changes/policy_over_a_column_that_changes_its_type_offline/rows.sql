insert into a (id, x) values (1, 7), (2, 8); insert into b (id) values (7), (9);
