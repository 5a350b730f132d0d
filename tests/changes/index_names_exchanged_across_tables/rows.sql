insert into items (a, b) values ('a', 'b');
insert into others (a, b) values ('c', 'd');
