insert into tenants select generate_series(1, 4);
insert into visits (tenant_id, at, note) select 1 + n % 4, date '2025-01-01' + n % 90, '{"n": 1}' from generate_series(1, 200) n;
