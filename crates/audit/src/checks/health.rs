//! How the server looks after what is in it, and how long that goes on.

use crate::check::{Area, BASE, Check, How, Need, Section, Seen, Severity};
use crate::look::{Look, Refusal, mine};
use serde_json::Value;

const HEALTH: Check = Check { section: Section::Performance, area: Some(Area::Monitoring), ..BASE };
const SERVER: Check = Check { section: Section::Performance, ..BASE };

/// Rows with a time of their statistics.
const OPEN_TRANSACTIONS: &str =
    "select 'process ' || a.pid as object, a.usename as user, a.application_name as program, a.state,
           extract(epoch from pg_catalog.clock_timestamp() - a.xact_start)::bigint as seconds
    from pg_catalog.pg_stat_activity a
    where a.datname = current_database() and a.pid <> pg_catalog.pg_backend_pid()
      and pg_catalog.clock_timestamp() - a.xact_start > {long} * interval '1 second' order by a.xact_start";

/// The project's tables.
fn unwatched(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    let sql = format!(
        "select c.oid::regclass::text as object, c.oid::regclass::text as table from pg_catalog.pg_class c
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and {} order by 1",
        mine()
    );
    let mut rows = look.run(sql)?;
    let watched = look.subject.watched.as_deref().unwrap_or_default();
    rows.retain(|row| {
        row.get("table").and_then(Value::as_str).is_some_and(|table| !watched.iter().any(|one| one == table))
    });
    Ok(Seen { rows, unseen: Vec::new() })
}

/// The checks.
pub const ALL: &[Check] = &[
    Check {
        name: "table_not_watched",
        severity: Severity::Warning,
        asks: "tables that the project's monitoring does not watch",
        says: "nothing watches `{table}`",
        why: "that it grows, that it is read from end to end or is not there is noticed by those who use it",
        mend: "specc monitoring: the spec has to have the table",
        needs: &[Need::Watched],
        how: How::Asked(unwatched),
        ..HEALTH
    },
    Check {
        name: "sequence_near_end",
        severity: Severity::Error,
        asks: "sequences that have used half of what they, or the columns they fill, can hold",
        says: "the sequence `{object}` is at {last} of {most}",
        why: "at the end every insert fails",
        mend: "{way}",
        how: How::Query(
            "select q.*, coalesce('alter table ' || q.table || ' alter column ' || q.column || ' type bigint; ', '')
                      || 'alter sequence ' || q.object || ' as bigint no maxvalue;' as way,
                    case when q.last > q.most * 0.8 then 'error' else 'warning' end as level
             from (select s.seqrelid::regclass::text as object, d.refobjid::regclass::text as table,
                          pg_catalog.quote_ident(a.attname) as column,
                          pg_catalog.pg_sequence_last_value(s.seqrelid) as last,
                          least(s.seqmax, case a.atttypid when 'int2'::regtype then 32767 when 'int4'::regtype then 2147483647
                                               else s.seqmax end) as most
                   from pg_catalog.pg_sequence s
                   join pg_catalog.pg_class c on c.oid = s.seqrelid
                   join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                   left join lateral (
                     select d.refobjid, d.refobjsubid from pg_catalog.pg_depend d
                     where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = s.seqrelid
                       and d.refclassid = 'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i') and d.refobjsubid > 0
                     union all
                     select f.adrelid, f.adnum from pg_catalog.pg_depend d
                     join pg_catalog.pg_attrdef f on d.classid = 'pg_catalog.pg_attrdef'::regclass and f.oid = d.objid
                     where d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = s.seqrelid
                     limit 1) d on true
                   left join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
                   where s.seqincrement > 0 and not s.seqcycle and {mine}
                     and pg_catalog.has_sequence_privilege(s.seqrelid, 'usage, select')) q
             where q.last > q.most * 0.5 order by 1",
        ),
        unseen: "select s.seqrelid::regclass::text as object,
                        'whoever connects may not see where it is: grant select on sequence ' || s.seqrelid::regclass::text as way
                 from pg_catalog.pg_sequence s
                 join pg_catalog.pg_class c on c.oid = s.seqrelid
                 join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                 where {mine} and not pg_catalog.has_sequence_privilege(s.seqrelid, 'usage, select') order by 1",
        ..HEALTH
    },
    Check {
        name: "wraparound_near",
        severity: Severity::Error,
        asks: "tables whose oldest row is close to the age at which the server stops",
        says: "the oldest transaction in `{table}` is {age} transactions old",
        why: "at two thousand million the server takes no more writes until it is vacuumed",
        mend: "vacuum (freeze) {table}; and see what keeps autovacuum from it",
        how: How::Query(
            "select c.oid::regclass::text as object, c.oid::regclass::text as table,
                    greatest(pg_catalog.age(c.relfrozenxid), pg_catalog.mxid_age(c.relminmxid)) as age
             from pg_catalog.pg_class c
             where c.relkind in ('r', 't', 'm')
               and (c.relfrozenxid <> '0' and pg_catalog.age(c.relfrozenxid) > 500000000
                 or c.relminmxid <> '0' and pg_catalog.mxid_age(c.relminmxid) > 500000000) order by 3 desc, 1 limit 100",
        ),
        ..HEALTH
    },
    Check {
        name: "autovacuum_off_on_table",
        asks: "tables that autovacuum leaves alone",
        says: "autovacuum is off for `{table}`",
        why: "dead rows stay, plans follow old statistics, and in the end the server has to vacuum it in an emergency",
        mend: "alter table {table} reset (autovacuum_enabled);",
        how: How::Query(
            "select c.oid::regclass::text as object, c.oid::regclass::text as table
             from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where exists (select from pg_catalog.pg_options_to_table(c.reloptions) o
                           where o.option_name = 'autovacuum_enabled' and not o.option_value::boolean) and {mine} order by 1",
        ),
        ..HEALTH
    },
    Check {
        name: "dead_rows",
        severity: Severity::Info,
        asks: "tables with more than a fifth of dead rows",
        says: "`{table}` has {dead} dead rows for {live} live ones",
        why: "reads go through them, and autovacuum does not come round",
        mend: "vacuum (analyze) {table};",
        how: How::Query(
            "select s.relid::regclass::text as object, s.relid::regclass::text as table, s.n_dead_tup as dead,
                    s.n_live_tup as live
             from pg_catalog.pg_stat_user_tables s
             join pg_catalog.pg_class c on c.oid = s.relid
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where s.n_dead_tup > 1000 and s.n_dead_tup > 0.2 * s.n_live_tup and {mine} order by 1",
        ),
        ..HEALTH
    },
    Check {
        name: "never_analyzed",
        severity: Severity::Info,
        asks: "tables with rows of which the planner knows nothing",
        says: "`{table}` has {changed} new rows and was never analyzed",
        why: "the planner guesses, and joins in an order that takes long",
        mend: "analyze {table};",
        how: How::Query(
            "select s.relid::regclass::text as object, s.relid::regclass::text as table, s.n_mod_since_analyze as changed
             from pg_catalog.pg_stat_user_tables s
             join pg_catalog.pg_class c on c.oid = s.relid
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where s.n_mod_since_analyze > 1000 and s.last_analyze is null and s.last_autoanalyze is null and {mine} order by 1",
        ),
        ..HEALTH
    },
    Check {
        name: "replication_slot_inactive",
        severity: Severity::Error,
        asks: "replication slots that nobody reads",
        says: "nobody reads the replication slot `{object}`, for which {megabytes} MB of log are kept",
        why: "the log is kept until the disk is full, and dead rows with it",
        mend: "select pg_drop_replication_slot('{object}'); if its reader does not come back",
        how: How::Query(
            "select s.slot_name as object,
                    coalesce(pg_catalog.pg_wal_lsn_diff(case when pg_catalog.pg_is_in_recovery()
                      then pg_catalog.pg_last_wal_replay_lsn() else pg_catalog.pg_current_wal_lsn() end, s.restart_lsn)
                      / 1048576, 0)::bigint as megabytes
             from pg_catalog.pg_replication_slots s where not s.active and not s.temporary order by 1",
        ),
        ..SERVER
    },
    Check {
        name: "long_transaction",
        asks: "transactions that have been open for long",
        says: "{object} (`{user}`, {program}) has had a transaction open for {seconds} seconds, and is {state}",
        why: "dead rows of all tables stay, and the locks that it holds too",
        mend: "select pg_terminate_backend(…) for {object}, and a limit: alter role {user} set \
               idle_in_transaction_session_timeout = '1min';",
        needs: &[Need::Role("pg_read_all_stats")],
        how: How::Query(OPEN_TRANSACTIONS),
        ..SERVER
    },
    Check {
        name: "prepared_transaction",
        severity: Severity::Error,
        asks: "transactions that were prepared and neither committed nor rolled back",
        says: "the prepared transaction `{object}` of `{owner}` has waited for {seconds} seconds",
        why: "it holds its locks and keeps dead rows through restarts, until somebody ends it",
        mend: "rollback prepared '{object}'; or commit prepared",
        how: How::Query(
            "select x.gid as object, x.owner, extract(epoch from pg_catalog.clock_timestamp() - x.prepared)::bigint as seconds
             from pg_catalog.pg_prepared_xacts x
             where x.database = current_database()
               and pg_catalog.clock_timestamp() - x.prepared > {long} * interval '1 second' order by 1",
        ),
        ..SERVER
    },
    Check {
        name: "connections_near_limit",
        severity: Severity::Error,
        asks: "whether more than four fifths of the connections are taken",
        says: "{taken} of {most} connections are taken",
        why: "whoever comes next is refused",
        mend: "a pooler in front of the server, or fewer connections for each program",
        how: How::Query(
            "select * from (select count(*) as taken, current_setting('max_connections')::int as most
                            from pg_catalog.pg_stat_activity a where a.backend_type = 'client backend') c
             where c.taken > 0.8 * c.most",
        ),
        needs: &[Need::Role("pg_read_all_stats")],
        ..SERVER
    },
    Check {
        name: "database_connection_limit",
        asks: "limits on connections to this database or of a role that are nearly reached",
        says: "{object} may have {most} connections, and has {taken}",
        why: "whoever comes next is refused",
        mend: "alter {object} connection limit …;",
        how: How::Query(
            "select 'database ' || pg_catalog.quote_ident(d.datname) as object, d.datconnlimit as most,
                    (select count(*) from pg_catalog.pg_stat_activity a where a.datname = d.datname) as taken
             from pg_catalog.pg_database d
             where d.datname = current_database() and d.datconnlimit >= 0
               and (select count(*) from pg_catalog.pg_stat_activity a where a.datname = d.datname) > 0.8 * d.datconnlimit",
        ),
        ..SERVER
    },
    Check {
        name: "deadlocks",
        severity: Severity::Info,
        asks: "whether sessions have waited for each other in a circle",
        says: "{deadlocks} statements were ended because sessions waited for each other",
        why: "somebody's work was thrown away each time",
        mend: "see the server's log for the statements, and take rows in one order",
        how: How::Query(
            "select s.deadlocks from pg_catalog.pg_stat_database s
             where s.datname = current_database() and s.deadlocks > 0",
        ),
        ..SERVER
    },
    Check {
        name: "checksum_failures",
        severity: Severity::Error,
        asks: "whether pages were read that are not what was written",
        says: "{failures} pages were not what was written",
        why: "the storage loses data",
        mend: "restore from a backup on other storage",
        how: How::Query(
            "select s.checksum_failures as failures from pg_catalog.pg_stat_database s
             where s.datname = current_database() and s.checksum_failures > 0",
        ),
        ..SERVER
    },
    Check {
        name: "archiving_failing",
        severity: Severity::Error,
        asks: "whether the last attempt to archive the log failed",
        says: "the last file of the log ({file}) was not archived, at {at}",
        why: "no restore reaches a time after that, and the log fills the disk",
        mend: "see `archive_command` and the server's log",
        how: How::Query(
            "select a.last_failed_wal as file, a.last_failed_time::text as at from pg_catalog.pg_stat_archiver a
             where a.last_failed_time > coalesce(a.last_archived_time, '-infinity')",
        ),
        ..SERVER
    },
    Check {
        name: "subscription_disabled",
        asks: "subscriptions that are switched off",
        says: "the subscription `{object}` is switched off",
        why: "what others publish does not arrive, and their log is kept for it",
        mend: "alter subscription {object} enable; or drop it",
        how: How::Query(
            "select pg_catalog.quote_ident(s.subname) as object from pg_catalog.pg_subscription s
             join pg_catalog.pg_database d on d.oid = s.subdbid and d.datname = current_database()
             where not s.subenabled order by 1",
        ),
        ..SERVER
    },
];
