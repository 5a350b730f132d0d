insert into items values (1, 'one', 'a'), (2, 'two', 'b');
