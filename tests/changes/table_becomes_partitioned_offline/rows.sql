insert into shops values (1, 'one'), (2, 'two');
insert into people values (7);
insert into readings (at, shop_id, person_id, value, kind, note, serial)
select date '2024-06-01' + n, 1 + n % 2, case n % 3 when 0 then 7 end, 1 + n % 99, (array['warm', 'cold'])[1 + n % 2]::kinds, case when n % 5 = 0 then 'said ' || n end, n
from generate_series(1, 300) n;
insert into remarks select n, n, date '2024-06-01' + n, 'on ' || n from generate_series(10, 20) n;
