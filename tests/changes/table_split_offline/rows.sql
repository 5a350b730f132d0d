insert into users values (1, 'ada', 'Main St', 'London'), (2, 'alan', null, null), (3, 'eve', 'High St', null);
