insert into items values (1, 'one'); refresh materialized view kept;
