create table notes (id uuid primary key, body text);
alter table notes enable row level security;
create policy readable on notes for select using (true);
create table jobs (id uuid primary key);
revoke all on table jobs from anon, authenticated;
create table private.keys (id bigint primary key);
