insert into people (id) values (1), (2);
