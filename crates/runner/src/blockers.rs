//! Sessions that block a statement.

use specc_postgres::{Session, postgres};
use std::fmt;

/// A session that another one waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// Its process in the server.
    pub pid: i32,
    /// Role and program.
    pub who: String,
    /// What it is doing.
    pub state: String,
    /// How many seconds its transaction is open.
    pub open: i64,
    /// What it ran last.
    pub query: String,
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, who, state, open, query } = self;
        write!(f, "process {pid} ({who}, {state}, transaction open for {open} s): {query}")
    }
}

/// For the end of a message: whom it waited for, and how to end that.
pub(crate) fn in_the_way(blockers: &[Blocker]) -> String {
    let mut text = String::new();
    for blocker in blockers {
        text += &format!("\n      blocked by: {blocker}");
    }
    if let [blocker, ..] = blockers {
        text += &format!("\n      to end it: select pg_terminate_backend({});", blocker.pid);
    }
    text
}

/// Whom the session with this process waits for.
pub(crate) fn of(session: &mut Session, pid: i32) -> Result<Vec<Blocker>, postgres::Error> {
    let rows = session.query(
        "select distinct a.pid, concat_ws(', ', a.usename, nullif(a.application_name, '')), coalesce(a.state, a.backend_type, ''), \
           coalesce(extract(epoch from clock_timestamp() - a.xact_start), 0)::int8, \
           left(regexp_replace(coalesce(a.query, ''), '\\s+', ' ', 'g'), 80) \
         from unnest(pg_blocking_pids($1)) b(pid) join pg_stat_activity a on a.pid = b.pid order by 1",
        &[&pid],
    )?;
    let blocker = |row: &postgres::Row| Blocker {
        pid: row.get(0),
        who: row.get(1),
        state: row.get(2),
        open: row.get(3),
        query: row.get(4),
    };
    Ok(rows.iter().map(blocker).collect())
}

/// How far the building of an index by this process is, in words.
pub(crate) fn index_progress(session: &mut Session, pid: i32) -> Result<Option<String>, postgres::Error> {
    let row = session.query_opt(
        "select phase || case \
           when phase like 'waiting%' and lockers_total > 0 then format(', %s of %s sessions waited for', lockers_done, lockers_total) \
           when phase like 'waiting%' then '' \
           when blocks_total > 0 then format(', %s of %s blocks', blocks_done, blocks_total) \
           when tuples_total > 0 then format(', %s of %s rows', tuples_done, tuples_total) else '' end \
         from pg_stat_progress_create_index where pid = $1",
        &[&pid],
    )?;
    Ok(row.map(|row| row.get(0)))
}
