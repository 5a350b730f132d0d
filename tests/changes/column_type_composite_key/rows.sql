insert into tenants values (1), (2);
insert into items values (1, 1), (2, 1);
insert into parts values (1, 1, 1), (2, 2, 1);
