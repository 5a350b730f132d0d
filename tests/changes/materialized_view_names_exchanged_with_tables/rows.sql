insert into a (n) values (1), (2); insert into b (n) values (7);
