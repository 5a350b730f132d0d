insert into items (id, name) values (1, 'One'), (2, 'Two'), (3, 'Three');
