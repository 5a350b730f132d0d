insert into items values (1, array[row(3, 4), row(null, null), null]::size[]), (2, '{}');
