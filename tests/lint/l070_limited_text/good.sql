create table notes (id uuid primary key, title text check (char_length(title) <= 200), code varchar);
alter table notes enable row level security;
create policy nobody on notes using (false);
