insert into docs values (1, 'a', false), (2, 'a', true);
