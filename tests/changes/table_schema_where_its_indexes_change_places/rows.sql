insert into app.items (code) values ('a'), ('b'); insert into items (code) values ('c');
