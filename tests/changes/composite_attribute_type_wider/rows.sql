insert into items values (1, row(3, 4.25, 'abc', '{}'), null), (2, row(null, null, null, null), row(null, null, null, null));
