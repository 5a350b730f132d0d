insert into app.items (code) values ('a'), ('b');
insert into sales.goods (code, price) values ('c', 1.5);
insert into sales.items (code, good_id) values ('d', 1);
