//! Defects of access, of settings, of indexes, and of how a server is looked after.

use super::defects::{Defect, Who};

const fn owner(check: &'static str, wrong: &'static str, right: &'static str) -> Defect {
    Defect { check, by: Who::Owner, wrong, right, undo: "", since: 15 }
}

const fn superuser(check: &'static str, wrong: &'static str, right: &'static str) -> Defect {
    Defect { check, by: Who::Superuser, wrong, right, undo: "", since: 15 }
}

const fn role(check: &'static str, wrong: &'static str, right: &'static str) -> Defect {
    Defect { check, by: Who::Superuser, wrong, right, undo: "drop role if exists audited", since: 15 }
}

/// Who may do what.
pub const ACCESS: &[Defect] = &[
    owner(
        "writable_without_rls",
        "create table public.a (id int primary key); grant insert on public.a to anon",
        "create table public.a (id int primary key); grant insert on public.a to anon; alter table public.a enable row level security;
         create policy p on public.a for insert to anon with check (id > 0)",
    ),
    owner(
        "partitioned_table_without_rls",
        "create table public.a (id int primary key) partition by list (id); create table public.a1 partition of public.a for values in (1);
         alter table public.a enable row level security; create policy p on public.a for select to anon using (id = 1);
         grant select on public.a, public.a1 to anon",
        "create table public.a (id int primary key) partition by list (id); create table public.a1 partition of public.a for values in (1);
         alter table public.a enable row level security; create policy p on public.a for select to anon using (id = 1);
         grant select on public.a to anon",
    ),
    owner(
        "truncate_granted",
        "grant truncate on public.notes to authenticated",
        "grant delete on public.notes to authenticated",
    ),
    owner(
        "references_or_triggers_granted",
        "grant trigger on public.notes to authenticated",
        "grant delete on public.notes to authenticated",
    ),
    owner(
        "granted_to_public",
        "grant insert on public.notes to public",
        "grant insert on public.notes to service_role",
    ),
    owner(
        "granted_on",
        "grant update on public.notes to authenticated with grant option",
        "grant update on public.notes to authenticated",
    ),
    owner(
        "definer_function_without_search_path",
        "create function public.f() returns int language sql security definer as 'select 1';
         revoke execute on function public.f from public",
        "create function public.f() returns int language sql security definer set search_path = '' as 'select 1';
         revoke execute on function public.f from public",
    ),
    owner(
        "definer_search_path_writable",
        "create schema open; grant create on schema open to authenticated;
         create function public.f() returns int language sql security definer set search_path = open, pg_temp as 'select 1'",
        "create schema open;
         create function public.f() returns int language sql security definer set search_path = open, pg_temp as 'select 1';
         revoke execute on function public.f from public",
    ),
    owner(
        "definer_function_open_to_all",
        "create function public.f() returns int language sql security definer set search_path = '' as 'select 1'",
        "create function public.f() returns int language sql security definer set search_path = '' as 'select 1';
         revoke execute on function public.f from public",
    ),
    owner("schema_open_to_create", "create schema open; grant create on schema open to public", "create schema open"),
    superuser(
        "owned_by_a_client",
        "alter table public.notes owner to authenticated",
        "alter table public.notes owner to postgres",
    ),
    owner(
        "default_privileges_open",
        "alter default privileges in schema public grant select on tables to anon",
        "alter default privileges in schema public grant select on tables to service_role",
    ),
    role("superuser_role", "create role audited superuser", "create role audited"),
    role("bypassrls_role", "create role audited bypassrls", "create role audited"),
    role("createrole_role", "create role audited createrole", "create role audited"),
    role("replication_role", "create role audited replication", "create role audited"),
    role(
        "role_reaches_the_server",
        "create role audited; grant pg_read_server_files to audited",
        "create role audited; grant pg_read_all_data to audited",
    ),
    Defect {
        undo: "revoke service_role from anon",
        ..superuser("client_past_rls", "grant service_role to anon", "")
    },
    Defect { undo: "alter role anon nologin", ..superuser("client_logs_in", "alter role anon login", "") },
    role(
        "password_without_end",
        "create role audited login password 'canary'",
        "create role audited login password 'canary' valid until '2900-01-01'",
    ),
    role(
        "password_ended",
        "create role audited login password 'canary' valid until '2001-01-01'",
        "create role audited login password 'canary' valid until '2900-01-01'",
    ),
    role(
        "weak_password_stored",
        "set password_encryption = 'md5'; create role audited password 'canary'",
        "create role audited password 'canary'",
    ),
];

/// How the server is set.
pub const SETTINGS: &[Defect] = &[
    superuser(
        "weak_password_encryption",
        "do $$ begin execute format('alter database %I set password_encryption = %L', current_database(), 'md5'); end $$",
        "",
    ),
    superuser(
        "row_security_set_off",
        "do $$ begin execute format('alter database %I set row_security = off', current_database()); end $$",
        "do $$ begin execute format('alter database %I set row_security = on', current_database()); end $$",
    ),
    superuser(
        "triggers_set_off",
        "do $$ begin execute format('alter database %I set session_replication_role = replica', current_database()); end $$",
        "do $$ begin execute format('alter database %I set session_replication_role = origin', current_database()); end $$",
    ),
    superuser(
        "search_path_of_a_role",
        "create schema open; grant create on schema open to public;
         do $$ begin execute format('alter database %I set search_path = open, public', current_database()); end $$",
        "create schema shut; do $$ begin execute format('alter database %I set search_path = shut, public', current_database()); end $$",
    ),
    Defect {
        undo: "alter role anon set statement_timeout = '3s'",
        ..superuser(
            "no_statement_timeout",
            "alter role anon set statement_timeout = 0",
            "alter role anon set statement_timeout = '5s'",
        )
    },
    superuser(
        "no_idle_in_transaction_timeout",
        "",
        "do $$ begin execute format('alter database %I set idle_in_transaction_session_timeout = %L', current_database(), '1min'); end $$",
    ),
    superuser(
        "values_logged",
        "do $$ begin execute format('alter database %I set log_statement = %L', current_database(), 'all'); end $$",
        "do $$ begin execute format('alter database %I set log_statement = %L', current_database(), 'ddl'); end $$",
    ),
    superuser(
        "changes_not_logged",
        "",
        "do $$ begin execute format('alter database %I set log_statement = %L', current_database(), 'ddl'); end $$",
    ),
    superuser(
        "slow_statements_not_logged",
        "",
        "do $$ begin execute format('alter database %I set log_min_duration_statement = 1000', current_database()); end $$",
    ),
    superuser("statements_not_counted", "", "create extension pg_stat_statements schema extensions"),
    superuser(
        "damage_passed_over",
        "do $$ begin execute format('alter database %I set zero_damaged_pages = on', current_database()); end $$",
        "",
    ),
    superuser(
        "autovacuum_off",
        "do $$ begin execute format('alter database %I set track_counts = off', current_database()); end $$",
        "",
    ),
];

/// Indexes, and what is kept of tables.
pub const HEALTH: &[Defect] = &[
    superuser(
        "invalid_index",
        "create unique index i on public.notes (title); update pg_index set indisvalid = false where indexrelid = 'public.i'::regclass",
        "create unique index i on public.notes (title)",
    ),
    owner(
        "index_incomplete_on_partitions",
        "create table public.a (id int primary key, n int) partition by list (id);
         create table public.a1 partition of public.a for values in (1); create index on only public.a (n)",
        "create table public.a (id int primary key, n int) partition by list (id);
         create table public.a1 partition of public.a for values in (1); create index on public.a (n)",
    ),
    owner(
        "redundant_index",
        "create index on public.notes (title); create index on public.notes (title, owner_id)",
        "create index on public.notes (owner_id); create index on public.notes (title, owner_id)",
    ),
    superuser(
        "index_bloat",
        "create unique index i on public.notes (title); insert into public.notes (title) values ('a'); analyze public.notes;
         update pg_class set relpages = 5000 where oid = 'public.i'::regclass",
        "create unique index i on public.notes (title); insert into public.notes (title) values ('a'); analyze public.notes",
    ),
    owner(
        "large_table_scanned",
        "create table public.a (id int primary key, n int); insert into public.a select n, n from generate_series(1, 10001) n;
         analyze public.a; do $$ begin for i in 1..101 loop perform from public.a where n = -i limit 1; end loop; end $$;
         select pg_stat_force_next_flush()",
        "create table public.a (id int primary key, n int); insert into public.a select n, n from generate_series(1, 10001) n;
         analyze public.a; select pg_stat_force_next_flush()",
    ),
    owner(
        "sequence_near_end",
        "create table public.a (id int primary key generated always as identity); select setval('public.a_id_seq', 1900000000)",
        "create table public.a (id bigint primary key generated always as identity); select setval('public.a_id_seq', 1900000000)",
    ),
    superuser(
        "wraparound_near",
        "create table public.a (id int primary key); revoke all on public.a from anon, authenticated;
         update pg_class set relfrozenxid = '3694968096' where oid = 'public.a'::regclass",
        "create table public.a (id int primary key); revoke all on public.a from anon, authenticated",
    ),
    owner(
        "autovacuum_off_on_table",
        "alter table public.notes set (autovacuum_enabled = off)",
        "alter table public.notes set (autovacuum_vacuum_scale_factor = 0.1)",
    ),
    owner(
        "dead_rows",
        "create table public.a (id int primary key); insert into public.a select generate_series(1, 3000); analyze public.a;
         delete from public.a where id > 100; select pg_stat_force_next_flush()",
        "create table public.a (id int primary key); insert into public.a select generate_series(1, 3000); analyze public.a;
         select pg_stat_force_next_flush()",
    ),
    owner(
        "never_analyzed",
        "create table public.a (id int primary key); insert into public.a select generate_series(1, 3000);
         select pg_stat_force_next_flush()",
        "create table public.a (id int primary key); insert into public.a select generate_series(1, 3000); analyze public.a;
         select pg_stat_force_next_flush()",
    ),
    Defect {
        undo: "select pg_drop_replication_slot('audited') from pg_replication_slots where slot_name = 'audited'",
        ..superuser("replication_slot_inactive", "select pg_create_physical_replication_slot('audited', true)", "")
    },
    Defect {
        undo: "rollback prepared 'audited'",
        ..superuser("prepared_transaction", "begin; create table public.later (); prepare transaction 'audited'", "")
    },
    superuser(
        "database_connection_limit",
        "do $$ begin execute format('alter database %I connection limit 1', current_database()); end $$",
        "do $$ begin execute format('alter database %I connection limit 50', current_database()); end $$",
    ),
    Defect {
        undo: "alter subscription s set (slot_name = none); drop subscription s",
        ..superuser(
            "subscription_disabled",
            "create subscription s connection 'dbname=nowhere' publication p with (connect = false)",
            "",
        )
    },
];
