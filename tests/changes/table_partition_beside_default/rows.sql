insert into readings select '2026-06-01'::date + n, n from generate_series(1, 500) n;
