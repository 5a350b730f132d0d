-- Leaves of the platform's roles the owner alone, with no settings: as the superuser, when the platform's database is gone.

drop role anon, authenticated, service_role, authenticator, supabase_auth_admin, supabase_storage_admin,
  supabase_realtime_admin, dashboard_user;
alter role postgres reset all;
