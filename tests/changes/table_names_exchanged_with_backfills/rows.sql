insert into a (n) values (1), (null); insert into b (a_id, t) values (1, null), (2, 'x');
