insert into items select n, 'Item' || n from generate_series(1, 30) n;
