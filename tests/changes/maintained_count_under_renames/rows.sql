insert into carts (id) values (1), (2), (3);
insert into lines (id, cart_id, amount) values (1, 1, 5), (2, 1, 7), (3, 2, -1);
