insert into items values (1, 'one', 5);
