insert into visitors values (1);
insert into visits (at, page, visitor) values ('2025-02-01', '/', 1);
insert into posts values (1, '/');
