insert into readings select date '2025-06-01' + n % 200, n % 7 from generate_series(1, 300) n;
