insert into teams (id, size) values (1, 1), (2, 2), (3, 3); insert into notes (id, team_id) values (1, 1), (2, 2), (3, 3);
