insert into shop.items values (1, 'one');
