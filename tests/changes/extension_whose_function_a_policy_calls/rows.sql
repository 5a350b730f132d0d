insert into items (id, x) values (1, 'one');
