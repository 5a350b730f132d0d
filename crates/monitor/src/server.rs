//! What every server has: connections, transactions, slots, the age of rows.

use crate::queries::{counter, gauge};
use crate::watch::{Alert, Panel, Query, Watch};

pub(crate) fn add(watch: &mut Watch) {
    watch.queries.push(Query {
        name: "specc_server",
        sql: "select (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections, \
              current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as most_connections, \
              coalesce((select max(extract(epoch from clock_timestamp() - xact_start)) from pg_stat_activity \
                where backend_type = 'client backend' and state <> 'idle'), 0) as longest_transaction_seconds, \
              (select count(*) from pg_stat_activity where wait_event_type = 'Lock') as waiting, \
              (select count(*) from pg_prepared_xacts) as prepared_transactions, \
              (select count(*) from pg_replication_slots where not active) as inactive_slots, \
              (select max(age(datfrozenxid)) from pg_database) as oldest_age, \
              d.deadlocks, d.xact_commit as commits, d.xact_rollback as rollbacks, d.blks_hit as hits, d.blks_read as reads, \
              d.temp_bytes, pg_database_size(d.datname) as bytes \
              from pg_stat_database d where d.datname = current_database()"
            .to_owned(),
        kept: 0,
        metrics: vec![
            gauge("connections", "Clients that are connected"),
            gauge("most_connections", "How many clients may be"),
            gauge("longest_transaction_seconds", "For how long the oldest open transaction of a client has been open"),
            gauge("waiting", "Sessions that wait for a lock"),
            gauge("prepared_transactions", "Transactions that were prepared and neither committed nor rolled back"),
            gauge("inactive_slots", "Replication slots that nobody reads"),
            gauge("oldest_age", "Age in transactions of the oldest row that was not frozen"),
            counter("deadlocks", "Sessions that have waited for each other in a circle"),
            counter("commits", "Transactions that were committed"),
            counter("rollbacks", "Transactions that were rolled back"),
            counter("hits", "Pages that were found in memory"),
            counter("reads", "Pages that were read from the system"),
            counter("temp_bytes", "Bytes of files for sorts and joins that did not fit in memory"),
            gauge("bytes", "Size of the database"),
        ],
    });
    let alert = |name: &str, expr: &str, wait, severity, says: &str, mend: &str| Alert {
        name: name.to_owned(),
        expr: expr.to_owned(),
        wait,
        severity,
        says: says.to_owned(),
        mend: mend.to_owned(),
    };
    watch.alerts.push((
        "server",
        vec![
            alert(
                "SpeccNotAnswering",
                "pg_up == 0 or absent(specc_server_connections)",
                "2m",
                "critical",
                "the database does not answer, or the exporter's queries are refused",
                "look at the exporter's log; `role.sql` gives its role what it needs",
            ),
            alert(
                "SpeccConnectionsNearLimit",
                "specc_server_connections / specc_server_most_connections > 0.8",
                "5m",
                "warning",
                "more than four fifths of the connections are taken",
                "connect through the pooler; end sessions that are idle in a transaction",
            ),
            alert(
                "SpeccLongTransaction",
                "specc_server_longest_transaction_seconds > 900",
                "1m",
                "warning",
                "a transaction has been open for more than a quarter of an hour",
                "find it: specc audit --only long_transaction",
            ),
            alert(
                "SpeccSessionsWait",
                "specc_server_waiting > 5",
                "2m",
                "warning",
                "sessions have been waiting for locks for two minutes",
                "see who holds them: pg_blocking_pids(pid) of pg_stat_activity",
            ),
            alert(
                "SpeccDeadlocks",
                "increase(specc_server_deadlocks[15m]) > 0",
                "0m",
                "warning",
                "sessions waited for each other in a circle",
                "the log says which statements; take locks in the same order everywhere",
            ),
            alert(
                "SpeccManyRollbacks",
                "rate(specc_server_rollbacks[10m]) > 1 and rate(specc_server_rollbacks[10m]) > rate(specc_server_commits[10m]) * 0.2",
                "10m",
                "warning",
                "more than a sixth of all transactions fail",
                "the log of the server and the answers of the API say why: specc smoke --database-url shows what clients are answered",
            ),
            alert(
                "SpeccSlotNotRead",
                "specc_server_inactive_slots > 0",
                "15m",
                "critical",
                "a replication slot is read by nobody, and keeps the log from being removed until the disk is full",
                "bring its reader back, or drop the slot",
            ),
            alert(
                "SpeccWraparoundNear",
                "specc_server_oldest_age > 1000000000",
                "1h",
                "critical",
                "rows have not been frozen for a thousand million transactions; at two thousand million the server takes no more writes",
                "see what keeps autovacuum: specc audit --only wraparound_near,long_transaction,prepared_transaction",
            ),
            alert(
                "SpeccPreparedTransaction",
                "specc_server_prepared_transactions > 0",
                "30m",
                "warning",
                "a prepared transaction was neither committed nor rolled back",
                "commit prepared or rollback prepared it: pg_prepared_xacts has its name",
            ),
        ],
    ));
    let panel = |title: &str, unit, lines: &[(&str, &str)]| Panel {
        title: title.to_owned(),
        unit,
        stacked: false,
        lines: lines.iter().map(|(expr, legend)| ((*expr).to_owned(), (*legend).to_owned())).collect(),
    };
    watch.panels.push((
        "Server",
        vec![
            panel(
                "Connections",
                "short",
                &[("specc_server_connections", "connected"), ("specc_server_most_connections", "allowed")],
            ),
            panel(
                "Transactions",
                "ops",
                &[("rate(specc_server_commits[5m])", "committed"), ("rate(specc_server_rollbacks[5m])", "rolled back")],
            ),
            panel("Longest transaction", "s", &[("specc_server_longest_transaction_seconds", "open for")]),
            panel("Waiting for locks", "short", &[("specc_server_waiting", "sessions")]),
            panel(
                "Found in memory",
                "percentunit",
                &[(
                    "rate(specc_server_hits[5m]) / (rate(specc_server_hits[5m]) + rate(specc_server_reads[5m]))",
                    "share",
                )],
            ),
            panel("Size", "bytes", &[("specc_server_bytes", "database")]),
        ],
    ));
}
