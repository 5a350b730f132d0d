insert into notes (id, text) values (1, 'a'), (2, 'b');
