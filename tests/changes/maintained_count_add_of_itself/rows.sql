insert into nodes (id, parent_id) values (1, null), (2, 1), (3, 1), (4, 3), (5, null);
