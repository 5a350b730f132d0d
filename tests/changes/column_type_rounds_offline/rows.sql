insert into items values (1, '2026-05-05 13:14:15+00');
