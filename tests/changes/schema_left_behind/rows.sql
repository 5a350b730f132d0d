insert into old.items values (1, 'glad', 'one', '(1,2)'), (2, 'sad', 'two', null);
insert into kept values (1, 'sad', 1), (2, 'glad', null);
select nextval('old.counter');
