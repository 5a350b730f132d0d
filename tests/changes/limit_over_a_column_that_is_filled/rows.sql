insert into halls values (1, 2); insert into seats values (1, 1);
