insert into towns values (1); insert into shops (id, size, note) values (1, 1, 'a'), (2, 2, 'b');
