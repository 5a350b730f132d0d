insert into items values (1, row(1, 2)), (2, row(1, null)), (3, row(null, null));
