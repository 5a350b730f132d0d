insert into notes (id, title) values (1, 'a'), (2, 'b');
