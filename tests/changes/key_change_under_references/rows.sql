insert into items values (1, 'one');
insert into parts values (1, 1);
