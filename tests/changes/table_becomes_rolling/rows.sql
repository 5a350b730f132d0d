insert into shops values (1), (2);
insert into readings (at, shop_id, value)
select timestamptz '2024-06-01 00:00:00+00' + n * interval '1 day', 1 + n % 2, n from generate_series(1, 300) n;
