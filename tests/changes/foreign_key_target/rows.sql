insert into shops values (7, 'a'), (8, 'b');
insert into items values (1, 7), (2, 8);
insert into malls values (7), (8);
