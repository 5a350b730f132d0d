insert into public.items (part, note, data) select (array['one', 'two', 'three'])[1 + n % 3], case n % 2 when 0 then 'on ' || n end, '{}' from generate_series(1, 40) n;
