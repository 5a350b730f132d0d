insert into a.items (code) values ('q'); insert into b.items (item_id, mood) values (1, 'x');
