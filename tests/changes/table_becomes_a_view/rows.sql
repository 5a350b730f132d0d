insert into items values (1), (2); insert into seen values (1);
