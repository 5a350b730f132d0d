insert into items values
  (1, row(1, 2.5, 'a'), null, array[row(1, 2.5, 'b')::size, null, row(null, null, 'c')::size]),
  (2, row(null, null, null), row(null, null, null), '{}'), (3, row(2147483647, null, ''), row(3, 9999.99, null), '{}');
