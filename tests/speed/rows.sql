-- 20,000 people, 2,000 teams of about 50, 100,000 albums, a million rows in each other table. Person 2 is in 20 teams.
set session_replication_role = replica;
insert into auth.users (id) select md5('p' || n)::uuid from generate_series(1, 20000) n;
insert into people (id, rank) select md5('p' || n)::uuid, case n when 1 then 'admin' else 'user' end from generate_series(1, 20000) n;
insert into teams (id) select n from generate_series(1, 2000) n;
insert into team_people (team_id, person_id, boss)
  select t, md5('p' || (3 + (t * 37 + n) % 19000))::uuid, n = 1 from generate_series(1, 2000) t, generate_series(1, 50) n;
insert into team_people (team_id, person_id) select n * 100, md5('p2')::uuid from generate_series(1, 20) n;
insert into owned (id, person_id, amount) select n, md5('p' || 1 + n % 20000)::uuid, n % 1000 from generate_series(1, 1000000) n;
insert into of_team (id, team_id, amount) select n, 1 + n % 2000, n % 1000 from generate_series(1, 1000000) n;
insert into of_roles (id, team_id, amount) select n, 1 + n % 2000, n % 1000 from generate_series(1, 1000000) n;
insert into albums (id, team_id, is_public) select n, 1 + n % 2000, n % 5 = 0 from generate_series(1, 100000) n;
insert into photos (id, album_id, amount) select n, 1 + (n * 31) % 100000, n % 1000 from generate_series(1, 1000000) n;
insert into prints (id, album_id, amount) select n, 1 + (n * 31) % 100000, n % 1000 from generate_series(1, 1000000) n;
set session_replication_role = origin;
