insert into numbered values (5, 1), (6, 2); insert into drawn values (gen_random_uuid(), 1), (gen_random_uuid(), 2);
insert into named values ('x', 1), ('y', 2); insert into dated values ('2026-01-01', 1), ('2026-01-02', 2); insert into other values (1, 5, '2026-01-01');
