create table notes (id int generated always as identity, primary key (id));
alter table notes enable row level security;
create policy nobody on notes using (false);
alter table notes add column n smallint primary key;
