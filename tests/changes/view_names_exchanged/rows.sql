insert into days (no) values (1), (2), (3);
