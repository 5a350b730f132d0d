insert into items (code, kind) values ('a', 'k'), ('b', 'k');
insert into app.others (a, b) values ('c', 'd');
