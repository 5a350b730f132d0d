insert into readings (note) select case when n % 4 = 0 then 'on ' || n end from generate_series(1, 300) n;
