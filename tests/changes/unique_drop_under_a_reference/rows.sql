insert into users values (1), (2); insert into cards values (1, 1), (2, 2);
