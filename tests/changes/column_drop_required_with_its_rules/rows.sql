insert into users values (1), (2); insert into cards values (1, 1, 'a', 1), (2, 2, 'b', 2);
