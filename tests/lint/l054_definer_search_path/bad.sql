create function private.is_admin() returns boolean
language sql security definer
as $$ select true $$;
