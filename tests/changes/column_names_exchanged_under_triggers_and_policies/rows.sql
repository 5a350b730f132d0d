insert into items values (1, 1, 'x'), (2, 2, null);
