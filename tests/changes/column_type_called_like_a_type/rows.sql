insert into notes (id, text) values (1, 12), (2, 345);
