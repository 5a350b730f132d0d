insert into items values (1, 5); insert into others values (2);
