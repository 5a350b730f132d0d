insert into carts values (1), (2);
