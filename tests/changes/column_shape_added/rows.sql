insert into public.events (id, settings) select i, '{"theme": "dark"}' from generate_series(1, 20) as i;
