insert into members values (1, 1), (2, 2); insert into teams values (1, 1), (2, 5); insert into docs values (1, 1);
