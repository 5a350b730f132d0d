insert into items (code) values (1), (2);
