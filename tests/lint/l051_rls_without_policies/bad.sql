create table notes (id uuid primary key);
alter table notes enable row level security;
