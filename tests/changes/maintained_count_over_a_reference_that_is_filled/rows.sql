insert into carts (id) values (1), (2);
insert into lines values (1, 1), (2, 1), (3, 2);
