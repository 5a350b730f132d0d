insert into items (id, name) select n, ' X' || n from generate_series(1, 20) n;
