insert into carts (id) values (1), (2);
insert into lines values (1, 1, 5), (2, 1, null), (3, 2, null);
