insert into items values (1, 5, 'a'), (2, -7, 'b'); insert into tags values (1, 'x');
