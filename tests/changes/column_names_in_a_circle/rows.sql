insert into items values (1, 10, 'one', 'small', (1, 2)), (2, 20, 'two', 'large', null);
