insert into items values (1, '{open,closed}'), (2, '{}');
