insert into people (id, name) select g, 'n' || g from generate_series(1, 100) g;
insert into cards select g, g, case when g % 2 = 0 then g end from generate_series(1, 100) g;
