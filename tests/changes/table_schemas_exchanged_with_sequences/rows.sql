insert into items (t) values ('a'), ('b'); insert into app.items (u) values ('c');
