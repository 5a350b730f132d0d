insert into users values ('00000000-0000-4000-8000-000000000001', 'ana');
insert into notes values (1, '00000000-0000-4000-8000-000000000001');
