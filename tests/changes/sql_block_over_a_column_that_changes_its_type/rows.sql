insert into orders select n, n, n % 3 from generate_series(1, 30) n;
