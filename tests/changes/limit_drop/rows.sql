insert into rooms values (1, 2);
insert into items values (1, 1, 'a'), (2, 1, 'b');
