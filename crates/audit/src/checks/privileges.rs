//! Roles: who may log in, who is past the rules, whose password never ends.

use crate::check::{BASE, Check, How, Need, Section, Severity};

const ROLE: Check = Check { section: Section::Security, ..BASE };

/// Roles that the platform brings; what they may do is its business.
macro_rules! not_of_the_platform {
    () => {
        "r.rolname !~ '^(pg_|supabase_|rds)' and r.rolname not in ('postgres', 'service_role', 'authenticator', \
         'dashboard_user', 'pgbouncer', 'anon', 'authenticated', 'pgsodium_keyiduser', 'pgsodium_keyholder', \
         'pgsodium_keymaker', 'pgtle_admin', 'cli_login_postgres') and r.oid <> 10"
    };
}

/// The checks.
pub const ALL: &[Check] = &[
    Check {
        name: "superuser_role",
        severity: Severity::Error,
        asks: "roles that are superusers, beside the one that the server began with",
        says: "`{object}` is a superuser",
        why: "no rule of the database holds for it, and it reads files and starts programs",
        mend: "alter role {object} nosuperuser;",
        how: How::Query(concat!(
            "select pg_catalog.quote_ident(r.rolname) as object from pg_catalog.pg_roles r where r.rolsuper and ",
            not_of_the_platform!(),
            " order by 1"
        )),
        ..ROLE
    },
    Check {
        name: "bypassrls_role",
        severity: Severity::Error,
        asks: "roles that are past row level security",
        says: "`{object}` is past row level security",
        why: "no policy holds for it",
        mend: "alter role {object} nobypassrls;",
        how: How::Query(concat!(
            "select pg_catalog.quote_ident(r.rolname) as object from pg_catalog.pg_roles r
             where r.rolbypassrls and not r.rolsuper and ",
            not_of_the_platform!(),
            " order by 1"
        )),
        ..ROLE
    },
    Check {
        name: "createrole_role",
        asks: "roles that make roles",
        says: "`{object}` may make roles and give rights away",
        why: "up to Postgres 15 it takes any right that is no superuser's",
        mend: "alter role {object} nocreaterole;",
        how: How::Query(concat!(
            "select pg_catalog.quote_ident(r.rolname) as object from pg_catalog.pg_roles r
             where r.rolcreaterole and not r.rolsuper and ",
            not_of_the_platform!(),
            " order by 1"
        )),
        ..ROLE
    },
    Check {
        name: "replication_role",
        asks: "roles that may read everything as a replica",
        says: "`{object}` may replicate",
        why: "it reads every row of every database, past all rights",
        mend: "alter role {object} noreplication;",
        how: How::Query(concat!(
            "select pg_catalog.quote_ident(r.rolname) as object from pg_catalog.pg_roles r
             where r.rolreplication and not r.rolsuper and ",
            not_of_the_platform!(),
            " order by 1"
        )),
        ..ROLE
    },
    Check {
        name: "role_reaches_the_server",
        severity: Severity::Error,
        asks: "roles that read or write files of the server, or start programs there",
        says: "`{object}` is a member of {roles}",
        why: "who starts a program as the server, or writes its files, has all of it",
        mend: "revoke {roles} from {object};",
        how: How::Query(concat!(
            "select pg_catalog.quote_ident(r.rolname) as object, array_agg(g.rolname order by g.rolname) as roles
             from pg_catalog.pg_roles r
             join pg_catalog.pg_roles g
               on g.rolname in ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')
             where not r.rolsuper and pg_catalog.pg_has_role(r.oid, g.oid, 'member') and ",
            not_of_the_platform!(),
            " group by r.rolname order by 1"
        )),
        ..ROLE
    },
    Check {
        name: "client_past_rls",
        severity: Severity::Error,
        asks: "whether the roles of clients are past row level security, or can become a role that is",
        says: "`{object}` is past row level security, {by}",
        why: "the key of the front end is public, and no policy holds for whoever has it",
        mend: "alter role {object} nosuperuser nobypassrls; revoke {by_role} from {object};",
        needs: &[Need::Clients],
        how: How::Query(
            "select pg_catalog.quote_ident(r.rolname) as object, pg_catalog.quote_ident(g.rolname) as by_role,
                    case when g.oid = r.oid then 'by itself' else 'as a member of ' || pg_catalog.quote_ident(g.rolname) end as by
             from pg_catalog.pg_roles r
             join pg_catalog.pg_roles g on (g.rolsuper or g.rolbypassrls)
               and (g.oid = r.oid or not r.rolsuper and pg_catalog.pg_has_role(r.oid, g.oid, 'member'))
             where r.rolname = any({clients}) order by 1, 2",
        ),
        ..ROLE
    },
    Check {
        name: "client_logs_in",
        severity: Severity::Error,
        asks: "whether the roles of clients may log in to the database itself",
        says: "`{object}` may log in",
        why: "clients come through the API, which sets limits; a connection of their own has none",
        mend: "alter role {object} nologin;",
        needs: &[Need::Clients],
        how: How::Query(
            "select pg_catalog.quote_ident(r.rolname) as object from pg_catalog.pg_roles r
             where r.rolcanlogin and r.rolname = any({clients}) order by 1",
        ),
        ..ROLE
    },
    Check {
        name: "password_without_end",
        severity: Severity::Info,
        asks: "roles that log in, whose password has no end",
        says: "the password of `{object}` is valid for ever",
        why: "one that got out opens the database until somebody notices",
        mend: "alter role {object} valid until '…';",
        how: How::Query(concat!(
            "select pg_catalog.quote_ident(r.rolname) as object from pg_catalog.pg_roles r
             where r.rolcanlogin and coalesce(r.rolvaliduntil, 'infinity') = 'infinity' and ",
            not_of_the_platform!(),
            " order by 1"
        )),
        ..ROLE
    },
    Check {
        name: "password_ended",
        severity: Severity::Info,
        asks: "roles that log in, whose password has ended",
        says: "the password of `{object}` ended on {until}",
        why: "whoever needs it cannot log in, and nobody else needs the role",
        mend: "drop role {object}; or alter role {object} password '…' valid until '…';",
        how: How::Query(
            "select pg_catalog.quote_ident(r.rolname) as object, r.rolvaliduntil::date::text as until from pg_catalog.pg_roles r
             where r.rolcanlogin and r.rolvaliduntil < now() order by 1",
        ),
        ..ROLE
    },
    Check {
        name: "weak_password_stored",
        severity: Severity::Error,
        asks: "passwords that are stored as MD5",
        says: "the password of `{object}` is stored as MD5",
        why: "who reads it logs in with it, without working it out",
        mend: "set password_encryption = 'scram-sha-256'; then alter role {object} password '…';",
        needs: &[Need::Superuser],
        how: How::Query(
            "select pg_catalog.quote_ident(r.rolname) as object from pg_catalog.pg_authid r
             where r.rolpassword like 'md5%' order by 1",
        ),
        ..ROLE
    },
    Check {
        name: "login_without_password",
        severity: Severity::Error,
        asks: "who gets in over the network without a password",
        says: "line {line} of pg_hba.conf lets {users} in to {databases} from {address} by `{method}`",
        why: "whoever reaches the port is in",
        mend: "`scram-sha-256` in place of `{method}` there, and select pg_reload_conf();",
        needs: &[Need::Superuser],
        how: How::Query(
            "select 'pg_hba.conf ' || h.line_number as object, h.line_number as line, h.user_name as users, h.database as databases,
                    coalesce(h.address, 'anywhere') as address, h.auth_method as method
             from pg_catalog.pg_hba_file_rules h
             where h.type <> 'local' and h.auth_method in ('trust', 'password')
               and coalesce(h.address, '') not in ('127.0.0.1', '::1', 'samehost') order by h.line_number",
        ),
        ..ROLE
    },
];
