create function private.is_admin() returns boolean
language sql security definer
as $$ select true $$;
create function private.is_guest() returns boolean language sql security definer set search_path = pg_catalog, pg_temp as $$ select true $$;
alter function private.is_guest() set search_path to public, 'app';
