insert into items (code) values ('a'), ('b');
insert into others (a) values ('c');
