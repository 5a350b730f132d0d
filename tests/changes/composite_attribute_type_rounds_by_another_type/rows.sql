insert into items values (1, row(1, 4)), (2, row(null, 2));
