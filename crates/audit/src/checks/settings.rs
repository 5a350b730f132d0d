//! Encryption, logs, limits, and what keeps rows through a crash: as the server has it set.

use crate::check::{BASE, Check, How, Need, Section, Severity};

const SETTING: Check = Check { section: Section::Security, ..BASE };
const SAFETY: Check = Check { section: Section::Performance, severity: Severity::Error, ..BASE };

/// A setting that is as it should not be.
macro_rules! setting {
    ($name:literal, $bad:literal) => {
        concat!(
            "select s.name as object, s.setting as value from pg_catalog.pg_settings s where s.name = '",
            $name,
            "' and ",
            $bad
        )
    };
}

/// Roles without a limit of this name that is theirs, the database's or the server's.
macro_rules! without_limit {
    ($name:literal) => {
        concat!(
            "select pg_catalog.quote_ident(r.rolname) as object from pg_catalog.pg_roles r
             where (r.rolname = any({clients}) or r.rolname = 'authenticator')
               and not exists (
                 select from pg_catalog.pg_settings s where s.name = '",
            $name,
            "' and s.reset_val <> '0' and s.source not in ('user', 'database user'))
               and not exists (
                 select from pg_catalog.pg_db_role_setting d cross join lateral unnest(d.setconfig) c(setting)
                 where d.setrole in (r.oid, 0)
                   and d.setdatabase in (0, (select x.oid from pg_catalog.pg_database x where x.datname = current_database()))
                   and c.setting like '",
            $name,
            "=%' and c.setting not in ('",
            $name,
            "=0', '",
            $name,
            "=0s', '",
            $name,
            "=0ms')) order by 1"
        )
    };
}

/// Where a role or the database sets something itself.
macro_rules! set_to {
    ($pattern:literal) => {
        concat!(
            "select pg_catalog.concat_ws(' ', case when d.setrole = 0 then 'database' else 'role' end,
                    case when d.setrole = 0 then (select pg_catalog.quote_ident(x.datname) from pg_catalog.pg_database x
                                                  where x.oid = d.setdatabase)
                         else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(d.setrole)) end) as object,
                    c.setting as setting, split_part(c.setting, '=', 1) as name
             from pg_catalog.pg_db_role_setting d cross join lateral unnest(d.setconfig) c(setting)
             where d.setdatabase in (0, (select x.oid from pg_catalog.pg_database x where x.datname = current_database()))
               and c.setting ~* '",
            $pattern,
            "' order by 1, 2"
        )
    };
}

/// The checks.
pub const ALL: &[Check] = &[
    Check {
        name: "connection_without_tls",
        severity: Severity::Error,
        asks: "whether this connection is encrypted",
        says: "this connection, from {from}, is not encrypted",
        why: "whoever is on the way reads passwords and rows",
        mend: "`sslmode=verify-full` in the address, and `ssl = on` at the server",
        how: How::Query(
            "select 'connection' as object, pg_catalog.inet_client_addr()::text as from
             from pg_catalog.pg_stat_ssl s
             where s.pid = pg_catalog.pg_backend_pid() and not s.ssl and pg_catalog.inet_client_addr() is not null",
        ),
        ..SETTING
    },
    Check {
        name: "tls_off",
        severity: Severity::Error,
        asks: "whether the server encrypts at all, where it is reached by a network",
        says: "`ssl` is off, and the server listens on {listens}",
        why: "no client can ask for an encrypted connection",
        mend: "alter system set ssl = on; with a certificate",
        how: How::Query(
            "select 'ssl' as object, current_setting('listen_addresses') as listens
             where current_setting('ssl') = 'off'
               and exists (select from unnest(string_to_array(current_setting('listen_addresses'), ',')) a(address)
                           where btrim(a.address) not in ('', 'localhost', '127.0.0.1', '::1'))",
        ),
        ..SETTING
    },
    Check {
        name: "old_tls_allowed",
        asks: "whether versions of TLS are allowed that are broken",
        says: "`ssl_min_protocol_version` is `{value}`",
        why: "whoever is on the way has the connection fall back to it",
        mend: "alter system set ssl_min_protocol_version = 'TLSv1.2';",
        how: How::Query(setting!("ssl_min_protocol_version", "s.setting in ('', 'TLSv1', 'TLSv1.1')")),
        ..SETTING
    },
    Check {
        name: "weak_password_encryption",
        severity: Severity::Error,
        asks: "whether new passwords are stored as MD5",
        says: "`password_encryption` is `{value}`",
        why: "who reads what is stored logs in with it",
        mend: "alter system set password_encryption = 'scram-sha-256';",
        how: How::Query(setting!("password_encryption", "s.setting <> 'scram-sha-256'")),
        ..SETTING
    },
    Check {
        name: "row_security_set_off",
        severity: Severity::Error,
        asks: "roles and databases for which `row_security` is set off",
        says: "for the {object}: `{setting}`",
        why: "their queries of tables with policies fail, and dumps are taken for whole that are not",
        mend: "alter {object} reset row_security;",
        how: How::Query(set_to!("^row_security=(off|false|0|no)$")),
        ..SETTING
    },
    Check {
        name: "triggers_set_off",
        severity: Severity::Error,
        asks: "roles and databases whose sessions fire no triggers",
        says: "for the {object}: `{setting}`",
        why: "references are not held, counts are not kept",
        mend: "alter {object} reset session_replication_role;",
        how: How::Query(set_to!("^session_replication_role=replica$")),
        ..SETTING
    },
    Check {
        name: "search_path_of_a_role",
        asks: "roles and databases whose search_path begins with a schema where every role makes objects",
        says: "for the {object}: `{setting}`",
        why: "an object of somebody else stands in the way of what its statements mean",
        mend: "revoke create on schema {schema} from public; or another search_path for the {object}",
        how: How::Query(
            "select pg_catalog.concat_ws(' ', case when d.setrole = 0 then 'database' else 'role' end,
                      case when d.setrole = 0 then pg_catalog.quote_ident(current_database()::text)
                           else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(d.setrole)) end) as object,
                    c.setting as setting, pg_catalog.quote_ident(n.nspname) as schema
             from pg_catalog.pg_db_role_setting d
             cross join lateral unnest(d.setconfig) c(setting)
             cross join lateral unnest(string_to_array(substr(c.setting, 13), ',')) part(name)
             join pg_catalog.pg_namespace n on n.nspname = btrim(part.name, ' \"')
             cross join lateral pg_catalog.aclexplode(n.nspacl) a
             where c.setting like 'search\\_path=%' and a.grantee = 0 and a.privilege_type = 'CREATE'
               and d.setdatabase in (0, (select x.oid from pg_catalog.pg_database x where x.datname = current_database()))
             order by 1",
        ),
        ..SETTING
    },
    Check {
        name: "no_statement_timeout",
        asks: "roles of clients whose statements may run for ever",
        says: "statements of `{object}` have no end",
        why: "one bad query of a client takes a connection and a processor for good",
        mend: "alter role {object} set statement_timeout = '8s';",
        needs: &[Need::Clients],
        how: How::Query(without_limit!("statement_timeout")),
        section: Section::Performance,
        ..SETTING
    },
    Check {
        name: "no_idle_in_transaction_timeout",
        severity: Severity::Info,
        asks: "roles of clients whose transactions may stand open for ever",
        says: "a transaction of `{object}` may stand open without end",
        why: "a program that hangs keeps its locks, and dead rows of all tables",
        mend: "alter role {object} set idle_in_transaction_session_timeout = '1min';",
        needs: &[Need::Clients],
        how: How::Query(without_limit!("idle_in_transaction_session_timeout")),
        section: Section::Performance,
        ..SETTING
    },
    Check {
        name: "connections_not_logged",
        severity: Severity::Info,
        asks: "whether it is logged who connects",
        says: "`log_connections` is off",
        why: "after a break-in nobody knows who came from where",
        mend: "alter system set log_connections = 'on';",
        how: How::Query(setting!("log_connections", "s.setting in ('off', '')")),
        ..SETTING
    },
    Check {
        name: "changes_not_logged",
        severity: Severity::Info,
        asks: "whether changes of the schema are logged",
        says: "`log_statement` is `none`, and there is no `pgaudit`",
        why: "nobody can say who changed what, and when",
        mend: "alter system set log_statement = 'ddl';",
        how: How::Query(
            "select 'log_statement' as object where current_setting('log_statement') = 'none'
               and not exists (select from pg_catalog.pg_extension x where x.extname = 'pgaudit')",
        ),
        ..SETTING
    },
    Check {
        name: "values_logged",
        asks: "whether the log has the values of every statement",
        says: "`log_statement` is `{value}`",
        why: "passwords and personal data stand in the log, which more people read and which is kept for longer",
        mend: "alter system set log_statement = 'ddl'; and `log_min_duration_statement` for slow ones",
        how: How::Query(setting!("log_statement", "s.setting in ('all', 'mod')")),
        ..SETTING
    },
    Check {
        name: "slow_statements_not_logged",
        severity: Severity::Info,
        section: Section::Performance,
        asks: "whether slow statements are logged",
        says: "`log_min_duration_statement` is -1",
        why: "what is slow is found by those who wait",
        mend: "alter system set log_min_duration_statement = '1s';",
        how: How::Query(setting!("log_min_duration_statement", "s.setting = '-1'")),
        ..SETTING
    },
    Check {
        name: "statements_not_counted",
        severity: Severity::Info,
        section: Section::Performance,
        asks: "whether it is counted what statements take",
        says: "the extension `pg_stat_statements` is not there",
        why: "nobody can say which queries take the time",
        mend: "create extension pg_stat_statements; with `shared_preload_libraries`",
        how: How::Query(
            "select 'pg_stat_statements' as object
             where not exists (select from pg_catalog.pg_extension x where x.extname = 'pg_stat_statements')",
        ),
        ..SETTING
    },
    Check {
        name: "settings_wait_for_a_restart",
        severity: Severity::Info,
        section: Section::Performance,
        asks: "settings that were changed and wait for a restart",
        says: "`{object}` was changed, and waits for a restart",
        why: "the next restart, at whatever time, changes how the server behaves",
        mend: "restart the server at a time that suits",
        how: How::Query("select s.name as object from pg_catalog.pg_settings s where s.pending_restart order by 1"),
        ..SETTING
    },
    Check {
        name: "writes_not_forced_to_disk",
        asks: "whether what is committed is on the disk",
        says: "`{object}` is `{value}`",
        why: "after a loss of power the database is broken, or rows that were confirmed are gone",
        mend: "alter system set {object} = 'on';",
        how: How::Query(
            "select s.name as object, s.setting as value from pg_catalog.pg_settings s
             where s.name in ('fsync', 'full_page_writes') and s.setting = 'off'
                or s.name = 'synchronous_commit' and s.setting = 'off' order by 1",
        ),
        ..SAFETY
    },
    Check {
        name: "damage_passed_over",
        asks: "whether the server passes over damaged pages",
        says: "`{object}` is `{value}`",
        why: "damage is answered with fewer rows, and spreads to backups",
        mend: "alter system reset {object};",
        how: How::Query(
            "select s.name as object, s.setting as value from pg_catalog.pg_settings s
             where s.name in ('zero_damaged_pages', 'ignore_checksum_failure', 'ignore_invalid_pages')
               and s.setting = 'on' order by 1",
        ),
        ..SAFETY
    },
    Check {
        name: "no_data_checksums",
        severity: Severity::Info,
        asks: "whether damaged pages are noticed",
        says: "the server keeps no checksums of its pages",
        why: "what the storage loses is noticed when it is in every backup",
        mend: "pg_checksums --enable, with the server stopped",
        how: How::Query(setting!("data_checksums", "s.setting = 'off'")),
        ..SAFETY
    },
    Check {
        name: "autovacuum_off",
        asks: "whether autovacuum runs",
        says: "`{object}` is off",
        why: "dead rows stay, plans follow old statistics, and in the end the server takes no more writes",
        mend: "alter system set {object} = on;",
        how: How::Query(
            "select s.name as object from pg_catalog.pg_settings s
             where s.name in ('autovacuum', 'track_counts') and s.setting = 'off' order by 1",
        ),
        ..SAFETY
    },
    Check {
        name: "no_archive",
        severity: Severity::Warning,
        asks: "whether the log is archived, as a restore to any time needs",
        says: "`archive_mode` is `{archive_mode}`, `wal_level` is `{wal_level}`",
        why: "what was written since the last backup is lost with the server, unless the provider copies its disk or its log",
        mend: "alter system set archive_mode = on; with an `archive_command`, or point in time recovery at the provider",
        how: How::Query(
            "select 'archive' as object, current_setting('archive_mode') as archive_mode,
                    current_setting('wal_level') as wal_level
             where current_setting('archive_mode') = 'off' or current_setting('wal_level') = 'minimal'",
        ),
        ..SAFETY
    },
    Check {
        name: "watching_libraries_not_loaded",
        severity: Severity::Info,
        section: Section::Security,
        asks: "whether the libraries that the server loads have what watches passwords and statements",
        says: "`shared_preload_libraries` has neither `pgaudit` nor `pg_stat_statements`",
        why: "neither who did what nor what it took can be asked later",
        mend: "alter system set shared_preload_libraries = 'pg_stat_statements, pgaudit';",
        needs: &[Need::Role("pg_read_all_settings")],
        how: How::Query(setting!(
            "shared_preload_libraries",
            "s.setting not like '%pgaudit%' and s.setting not like '%pg_stat_statements%'"
        )),
        ..SAFETY
    },
];
