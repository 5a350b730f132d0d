insert into items values (1, row('a', 'b'));
