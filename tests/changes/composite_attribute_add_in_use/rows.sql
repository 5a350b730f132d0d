insert into items values (1, row('a', 'b')), (2, null);
