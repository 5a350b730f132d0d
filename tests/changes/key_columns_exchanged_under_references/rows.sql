insert into parents values (1, 2); insert into kids (x, y) values (1, 2);
