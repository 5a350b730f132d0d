insert into carts (id) values (1);
insert into lines values (1, 1, 5), (2, 1, 7);
