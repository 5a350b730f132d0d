insert into items values (1, array[row(1, 2)::size]), (2, array[row(1, null)::size]), (3, array[row(null, null)::size]), (4, null);
