grant all privileges on all tables in schema public to anon, authenticated;
grant select, insert on notes to public;
alter default privileges in schema public grant all on tables to anon;
