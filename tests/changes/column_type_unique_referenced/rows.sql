insert into items values (1, 10), (2, 20); insert into parts values (1, 10), (2, 20);
