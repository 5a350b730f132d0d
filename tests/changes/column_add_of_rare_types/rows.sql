insert into rarities values (1);
