insert into readings values ('2025-05-01', 1), ('2025-06-01', 2);
