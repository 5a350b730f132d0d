insert into items values (1, row(3, 4)), (2, row(5, 6)), (3, row(null, null));
