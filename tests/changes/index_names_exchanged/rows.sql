insert into items (a, b, c) values ('a', 'b', 1), ('c', 'd', 2);
insert into others (a, item_id) values ('c', 1);
