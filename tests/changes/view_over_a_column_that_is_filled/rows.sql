insert into docs values (1, false), (2, true);
