insert into docs values (1, 'open', false), (2, 'secret', true);
