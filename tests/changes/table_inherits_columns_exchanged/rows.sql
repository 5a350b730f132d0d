insert into people values (1, 'a', 'b'); insert into managers values (2, 'c', 'd', 5);
