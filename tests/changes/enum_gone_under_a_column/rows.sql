insert into items (id, state) values (1, 'open'), (2, 'closed');
