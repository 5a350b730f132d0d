insert into carts (id) values (1), (2), (3);
insert into lines values (1, '2025-05-05', 5), (1, '2026-05-05', 7), (3, '2026-01-01', 1);
