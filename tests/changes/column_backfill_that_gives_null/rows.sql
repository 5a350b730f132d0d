insert into people values (1, 'Ann'), (2, null);
