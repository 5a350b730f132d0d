insert into teams (id, name) values (1, 'a'), (2, 'glad'); insert into notes (id, team_id) values (1, 1), (2, 2);
