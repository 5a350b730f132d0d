create table notes (id uuid primary key, team_id uuid, other int);
alter table notes enable row level security;
create policy members on notes as restrictive using (team_id = (select private.team()));
alter table notes drop column other cascade;
