insert into items (id, state, plain, kept) values (1, 'closed', 'closed', 'closed');
