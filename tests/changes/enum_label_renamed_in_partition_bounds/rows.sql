insert into items values (1, 'open'), (2, 'closed');
