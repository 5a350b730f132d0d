insert into items values (1, 'one', 'a', '{x}'), (2, 'two', 'b', '{y}');
