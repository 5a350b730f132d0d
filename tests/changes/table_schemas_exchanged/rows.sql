insert into app.items (code, qty) values ('a', 1), ('b', 2);
insert into sales.items (code, price) values ('c', 1.5);
