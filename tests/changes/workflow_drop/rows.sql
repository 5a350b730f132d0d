insert into items values (1, 'fresh'), (2, 'fresh');
