insert into shops values (7);
insert into items values (1, 'one', 7);
