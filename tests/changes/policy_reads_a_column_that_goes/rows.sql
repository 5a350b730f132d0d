insert into teams (id, name) values (1, 'a'); insert into notes (id, team_id) values (1, 1);
