//! Defects, each with its clean twin: what is made in a database that has nothing wrong.

/// A defect and the same thing as it should be.
pub struct Defect {
    /// The check that finds it.
    pub check: &'static str,
    /// Who makes it.
    pub by: Who,
    /// Statements that make it.
    pub wrong: &'static str,
    /// Statements that make the twin.
    pub right: &'static str,
    /// What has to be undone in the server before the next one: roles, slots.
    pub undo: &'static str,
    /// The first version that has it.
    pub since: u32,
}

/// Who makes a defect.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Owner,
    Superuser,
}

const fn owner(check: &'static str, wrong: &'static str, right: &'static str) -> Defect {
    Defect { check, by: Who::Owner, wrong, right, undo: "", since: 15 }
}

const fn superuser(check: &'static str, wrong: &'static str, right: &'static str) -> Defect {
    Defect { check, by: Who::Superuser, wrong, right, undo: "", since: 15 }
}

/// What Supabase's advisors find.
pub const ADVISORS: &[Defect] = &[
    superuser(
        "auth_users_exposed",
        "create view public.people as select id, email from auth.users; grant select on public.people to authenticated",
        "create view public.people as select id, email from auth.users; revoke all on public.people from anon, authenticated",
    ),
    owner(
        "policy_exists_rls_disabled",
        "create table public.a (id int primary key); create policy p on public.a for select to authenticated using (id = 1)",
        "create table public.a (id int primary key); create policy p on public.a for select to authenticated using (id = 1);
         alter table public.a enable row level security",
    ),
    owner(
        "rls_enabled_no_policy",
        "create table public.a (id int primary key); alter table public.a enable row level security",
        "create table public.a (id int primary key); alter table public.a enable row level security;
         create policy p on public.a for select to authenticated using (id = 1)",
    ),
    owner(
        "security_definer_view",
        "create view public.v as select id from public.notes; grant select on public.v to authenticated",
        "create view public.v with (security_invoker = on) as select id from public.notes; grant select on public.v to authenticated",
    ),
    owner(
        "function_search_path_mutable",
        "create function public.one() returns int language sql as 'select 1'",
        "create function public.one() returns int language sql set search_path = '' as 'select 1'",
    ),
    owner(
        "rls_disabled_in_public",
        "create table public.a (id int primary key); grant select on public.a to anon",
        "create table public.a (id int primary key); grant select on public.a to anon; alter table public.a enable row level security;
         create policy p on public.a for select using (true)",
    ),
    superuser("extension_in_public", "create extension hstore schema public", "create extension hstore schema extensions"),
    owner(
        "rls_references_user_metadata",
        "create table public.a (id int primary key); alter table public.a enable row level security;
         create policy p on public.a for select using ((select auth.jwt() -> 'user_metadata' ->> 'admin') = 'yes')",
        "create table public.a (id int primary key); alter table public.a enable row level security;
         create policy p on public.a for select using ((select auth.jwt()) -> 'app_metadata' ->> 'admin' = 'yes')",
    ),
    owner(
        "materialized_view_in_api",
        "create materialized view public.m as select 1 as one; grant select on public.m to anon",
        "create materialized view public.m as select 1 as one",
    ),
    superuser(
        "foreign_table_in_api",
        "create extension postgres_fdw schema extensions; create server s foreign data wrapper postgres_fdw;
         create foreign table public.f (id int) server s; grant select on public.f to anon",
        "create extension postgres_fdw schema extensions; create server s foreign data wrapper postgres_fdw;
         create foreign table public.f (id int) server s; revoke all on public.f from anon, authenticated",
    ),
    owner(
        "unsupported_reg_types",
        "create table public.a (id int primary key, calls regproc)",
        "create table public.a (id int primary key, calls text)",
    ),
    superuser(
        "insecure_queue_exposed_in_api",
        "create schema pgmq; create table pgmq.q_mail (id int primary key); grant select on pgmq.q_mail to anon;
         do $$ begin execute format('alter database %I set pgrst.db_schemas = %L', current_database(), 'public, pgmq_public'); end $$",
        "create schema pgmq; create table pgmq.q_mail (id int primary key); grant select on pgmq.q_mail to anon;
         alter table pgmq.q_mail enable row level security;
         do $$ begin execute format('alter database %I set pgrst.db_schemas = %L', current_database(), 'public, pgmq_public'); end $$",
    ),
    superuser(
        "fkey_to_auth_unique",
        "alter table auth.users add constraint one_address unique (email);
         create table public.a (email varchar primary key references auth.users (email)); alter table public.a owner to postgres;
         revoke all on public.a from anon, authenticated",
        "create table public.a (id uuid primary key references auth.users (id)); revoke all on public.a from anon, authenticated",
    ),
    superuser(
        "extension_versions_outdated",
        "create extension citext schema extensions version '1.4'",
        "create extension citext schema extensions",
    ),
    owner(
        "sensitive_columns_exposed",
        "create table public.a (id int primary key, api_key text); grant select on public.a to anon",
        "create table public.a (id int primary key, label text)",
    ),
    owner(
        "rls_policy_always_true",
        "create table public.a (id int primary key); alter table public.a enable row level security;
         create policy p on public.a for update to authenticated using (true)",
        "create table public.a (id int primary key); alter table public.a enable row level security;
         create policy p on public.a for update to authenticated using (id = 1)",
    ),
    owner(
        "unindexed_foreign_keys",
        "create table public.a (id int primary key, note bigint references public.notes)",
        "create table public.a (id int primary key, note bigint references public.notes); create index on public.a (note)",
    ),
    owner(
        "auth_rls_initplan",
        "create table public.a (id uuid primary key); alter table public.a enable row level security;
         create policy p on public.a for select using (id = auth.uid())",
        "create table public.a (id uuid primary key); alter table public.a enable row level security;
         create policy p on public.a for select using (id = (select auth.uid()))",
    ),
    owner("no_primary_key", "create table public.a (id int)", "create table public.a (id int primary key)"),
    owner("unused_index", "create index on public.notes (title)", ""),
    owner(
        "multiple_permissive_policies",
        "create policy more on public.notes for select to authenticated using (title = 'all')",
        "create policy more on public.notes as restrictive for select to authenticated using (title <> 'none')",
    ),
    owner(
        "duplicate_index",
        "create unique index on public.notes (title); create unique index on public.notes (title)",
        "create unique index on public.notes (title)",
    ),
    superuser(
        "table_bloat",
        "create table public.a (id int primary key); revoke all on public.a from anon, authenticated; insert into public.a values (1);
         analyze public.a; update pg_class set relpages = 5000 where oid = 'public.a'::regclass",
        "create table public.a (id int primary key); revoke all on public.a from anon, authenticated; insert into public.a values (1);
         analyze public.a",
    ),
];

/// How tables and functions are made.
pub const STRUCTURE: &[Defect] = &[
    owner(
        "constraint_not_validated",
        "alter table public.notes add constraint short check (length(title) < 100) not valid",
        "alter table public.notes add constraint short check (length(title) < 100)",
    ),
    Defect {
        since: 18,
        ..owner(
            "constraint_not_enforced",
            "alter table public.notes add constraint short check (length(title) < 100) not enforced",
            "alter table public.notes add constraint short check (length(title) < 100)",
        )
    },
    owner(
        "trigger_disabled",
        "create function public.t() returns trigger language plpgsql set search_path = '' as 'begin return new; end';
         create trigger t before insert on public.notes for each row execute function public.t();
         alter table public.notes disable trigger t",
        "create function public.t() returns trigger language plpgsql set search_path = '' as 'begin return new; end';
         create trigger t before insert on public.notes for each row execute function public.t()",
    ),
    owner(
        "rule_disabled",
        "create rule r as on delete to public.notes do instead nothing; alter table public.notes disable rule r",
        "create rule r as on delete to public.notes do instead nothing",
    ),
    superuser(
        "event_trigger_disabled",
        "create function public.e() returns event_trigger language plpgsql set search_path = '' as 'begin end';
         create event trigger e on ddl_command_end execute function public.e(); alter event trigger e disable",
        "create function public.e() returns event_trigger language plpgsql set search_path = '' as 'begin end';
         create event trigger e on ddl_command_end execute function public.e()",
    ),
    owner(
        "reference_of_another_type",
        "create table public.a (note int primary key references public.notes)",
        "create table public.a (note bigint primary key references public.notes)",
    ),
    owner(
        "created_at_without_default",
        "create table public.a (id int primary key, created_at timestamptz)",
        "create table public.a (id int primary key, created_at timestamptz default now())",
    ),
    owner(
        "updated_at_without_trigger",
        "create table public.a (id int primary key, updated_at timestamptz)",
        "create table public.a (id int primary key, updated_at timestamptz);
         create function public.t() returns trigger language plpgsql set search_path = '' as
           'begin new.updated_at := now(); return new; end';
         create trigger t before update on public.a for each row execute function public.t()",
    ),
    owner(
        "time_without_zone",
        "create table public.a (id int primary key, at timestamp)",
        "create table public.a (id int primary key, at timestamptz)",
    ),
    owner(
        "unlogged_table",
        "create unlogged table public.a (id int primary key)",
        "create table public.a (id int primary key)",
    ),
    owner(
        "view_never_filled",
        "create materialized view public.m as select 1 as one with no data",
        "create materialized view public.m as select 1 as one",
    ),
    owner(
        "partition_without_parent_key",
        "create table public.a (id int not null) partition by list (id);
         create table public.a1 partition of public.a (primary key (id)) for values in (1)",
        "create table public.a (id int primary key) partition by list (id); create table public.a1 partition of public.a for values in (1)",
    ),
    owner(
        "partitioned_table_empty",
        "create table public.a (id int primary key) partition by list (id)",
        "create table public.a (id int primary key) partition by list (id); create table public.a1 partition of public.a for values in (1)",
    ),
    owner(
        "replica_identity_missing",
        "create table public.a (id int); create publication p for table public.a",
        "create table public.a (id int primary key); create publication p for table public.a",
    ),
    owner(
        "function_swallows_errors",
        "create function public.f() returns void language plpgsql set search_path = '' as
           'begin perform 1 / 0; exception when others then null; end'",
        "create function public.f() returns void language plpgsql set search_path = '' as
           'begin perform 1 / 0; exception when division_by_zero then null; end'",
    ),
    owner(
        "dynamic_sql_concatenated",
        "create function public.f(name text) returns void language plpgsql set search_path = '' as
           'begin execute ''drop table '' || name; end'",
        "create function public.f(name text) returns void language plpgsql set search_path = '' as
           'begin execute format(''drop table %I'', name); end'",
    ),
    superuser(
        "function_of_untrusted_language",
        "create function public.h() returns language_handler language c set search_path = '' as '$libdir/plpgsql', 'plpgsql_call_handler'",
        "create function public.h() returns int language sql set search_path = '' as 'select 1'",
    ),
];

/// Rows.
pub const DATA: &[Defect] = &[
    owner(
        "default_partition_has_rows",
        "create table public.a (id int primary key) partition by list (id); create table public.a1 partition of public.a for values in (1);
         create table public.rest partition of public.a default; insert into public.a values (2)",
        "create table public.a (id int primary key) partition by list (id); create table public.a1 partition of public.a for values in (1);
         create table public.rest partition of public.a default; insert into public.a values (1)",
    ),
    owner(
        "next_partition_missing",
        "create table public.a (day date primary key) partition by range (day);
         create table public.a1 partition of public.a for values from ('2001-01-01') to ('2002-01-01')",
        "create table public.a (day date primary key) partition by range (day);
         create table public.a1 partition of public.a for values from ('2001-01-01') to ('2902-01-01')",
    ),
    owner(
        "sequence_behind_rows",
        "insert into public.notes (id, title) overriding system value values (7, 'seven')",
        "insert into public.notes (title) values ('one')",
    ),
    owner(
        "orphans",
        "create table public.a (note bigint primary key); insert into public.a values (99);
         alter table public.a add foreign key (note) references public.notes not valid",
        "create table public.a (note bigint primary key); alter table public.a add foreign key (note) references public.notes",
    ),
    owner(
        "personal_data_without_class",
        "insert into public.notes (title) values ('jane.roe@mail.somewhere.de'), ('+49 170 1234567')",
        "insert into public.notes (title) values ('@home'), ('49 170')",
    ),
    owner(
        "secret_in_rows",
        "insert into public.notes (title) values ('sk_' || 'live_4eC39HqLyjWDarjtT1zdp7dc')",
        "insert into public.notes (title) values ('sk_test_key')",
    ),
    owner(
        "test_data",
        "insert into public.notes (title) values ('test user 1'), ('lorem ipsum dolor')",
        "insert into public.notes (title) values ('testimony'), ('ipsum')",
    ),
    owner(
        "migration_half_applied",
        "create table public._prisma_migrations (id varchar(36) primary key, checksum varchar(64) not null, finished_at timestamptz,
           migration_name varchar(255) not null, logs text, rolled_back_at timestamptz, started_at timestamptz not null default now(),
           applied_steps_count integer not null default 0);
         insert into public._prisma_migrations (id, checksum, migration_name) values ('1', 'x', '2026_init')",
        "",
    ),
];
