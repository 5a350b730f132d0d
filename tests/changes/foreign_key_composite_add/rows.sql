insert into tasks values (1, 1, null), (1, 2, 1);
