insert into readings values ('2026-06-01', 2);
