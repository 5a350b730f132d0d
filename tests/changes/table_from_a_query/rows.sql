insert into orders values (1, 'ada', 3), (2, 'ada', 4), (3, 'eve', 1);
