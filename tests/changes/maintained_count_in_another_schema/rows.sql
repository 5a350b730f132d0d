insert into carts default values; insert into cart_lines (cart_id, amount) values (1, 5), (1, 0);
