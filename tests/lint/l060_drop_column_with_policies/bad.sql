create table notes (id uuid primary key, team_id uuid);
alter table notes enable row level security;
create policy members on notes as restrictive using (team_id = (select private.team()));
alter table notes drop column team_id cascade;
