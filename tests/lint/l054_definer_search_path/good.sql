create function private.is_admin() returns boolean
language sql security definer set search_path = pg_catalog, pg_temp
as $$ select true $$;
create function private.is_owner(uuid) returns boolean language sql security definer as $$ select true $$;
alter function private.is_owner(uuid) set search_path = 'pg_catalog', 'pg_temp';
create function private.plain() returns int language sql return 1;
create function private.is_member(uuid) returns boolean
language sql security definer set search_path = ''
as $$ select $1 = '00000000-0000-4000-8000-000000000000'::uuid $$;
