insert into carts (id) values (1), (2);
insert into lines (id, cart_id, deleted_at) values (1, 1, null), (2, 1, now()), (3, 2, now());
