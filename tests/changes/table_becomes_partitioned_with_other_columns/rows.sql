insert into notes (id, at, title, weight, old, size) select n, date '2025-11-01' + n, 'title ' || n, n, 'old', case n % 2 when 0 then n end from generate_series(1, 100) n;
