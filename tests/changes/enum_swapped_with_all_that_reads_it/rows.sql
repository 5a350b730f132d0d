insert into items values (1, 'open', 'one'), (2, 'closed', 'two');
