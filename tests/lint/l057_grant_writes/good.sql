grant select on notes to anon;
grant select, insert, update, delete on all tables in schema public to authenticated;
grant usage on schema public to anon;
grant execute on function f(int) to public;
create table guestbook (id bigint primary key);
alter table guestbook enable row level security;
create policy says on guestbook for insert to anon with check (id > 0);
grant insert on guestbook to anon;
alter default privileges in schema public grant execute on functions to anon;
