insert into users select from generate_series(1, 3);
insert into notes (meta) select jsonb_build_object('u', 1 + g % 3) from generate_series(1, 30) g;
