insert into items values (1, 'yes'), (2, 'no');
