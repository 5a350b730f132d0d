insert into items values (1, 1, 'y', '{1,2}');
