insert into items values (1, 1.2345), (2, 7);
