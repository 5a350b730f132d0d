insert into items values (1, 'a', 'b');
