insert into items values (1, 10, 5), (2, 20, 6); insert into parts values (1, 1), (2, 2);
