insert into items values (1, row(1, 2), row(1, 2)), (2, row(1, null), row(null, 2)), (3, row(null, null), row(null, null));
