insert into items (id, at) values (1, 'now'), (2, 'then');
