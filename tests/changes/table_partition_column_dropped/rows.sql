insert into visits values (1, '2019-05-05'), (2, '2021-01-01');
