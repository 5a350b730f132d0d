insert into items (id, color) values (1, 'green');
