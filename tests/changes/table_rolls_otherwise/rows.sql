insert into readings (at, value)
select timestamptz '2024-06-01 00:00:00+00' + n * interval '1 day', n from generate_series(1, 29) n;
insert into readings (at, value) select now() + n * interval '1 day', n from generate_series(1, 80) n;
