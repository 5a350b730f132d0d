insert into visits values (1, '2026-01-02');
