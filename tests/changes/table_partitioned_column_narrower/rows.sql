insert into logs values ('2026-02-01', 1), ('2020-01-01', 2);
