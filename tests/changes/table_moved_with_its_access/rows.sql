insert into letters values (1, 'one'), (2, null);
