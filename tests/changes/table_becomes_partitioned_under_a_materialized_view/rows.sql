insert into readings select n, date '2025-01-01' + n % 5, n from generate_series(1, 50) n; refresh materialized view summed;
