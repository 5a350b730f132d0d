insert into orders (id, status) values (1, 1); insert into items (id, order_id, status) values (1, 1, 2);
