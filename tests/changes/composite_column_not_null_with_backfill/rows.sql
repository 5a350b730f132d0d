insert into items values (1, 5, row(1, 2)), (2, 6, row(1, null)), (3, 7, row(null, null)), (4, 8, null);
