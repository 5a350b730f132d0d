create table notes (id uuid primary key, title varchar(200), code char(3), old bpchar);
alter table notes enable row level security;
create policy nobody on notes using (false);
