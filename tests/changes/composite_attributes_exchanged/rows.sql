insert into items values (1, row(1, 2)), (2, null);
