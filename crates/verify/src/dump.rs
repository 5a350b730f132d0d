//! What `pg_dump` says of a database: an observer who knows nothing of our catalog.

use crate::scratch::ScratchError;
use crate::words::{lines, said};
use specc_postgres::{Address, Session, programs};
use specc_runner::Script;
use std::collections::BTreeSet;

/// The statements that would make the database's objects, whatever their order and that of columns.
///
/// # Errors
/// Where there is no `pg_dump` that fits the server, or it fails.
pub(crate) fn statements(session: &mut Session, address: &Address) -> Result<BTreeSet<String>, ScratchError> {
    const VERSION: &str = "select pg_catalog.current_setting('server_version_num')::int / 10000";
    let row = session.query_one(VERSION, &[]).map_err(|error| said(&error))?;
    let major = u32::try_from(row.get::<_, i32>(0)).unwrap_or_default();
    let install = programs::for_server(major)?;
    let args = ["--schema-only".to_owned(), "--no-password".to_owned()];
    let mut text = String::new();
    programs::stream(&install, "pg_dump", Some(address), &args, |output| -> Result<(), ScratchError> {
        output.read_to_string(&mut text).map_err(|error| ScratchError::Postgres(format!("pg_dump: {error}"))).map(drop)
    })?;
    // Words to `psql`, not to the server.
    let is_sql = |line: &&str| !line.starts_with("\\restrict ") && !line.starts_with("\\unrestrict ");
    let sql: String = text.lines().filter(is_sql).flat_map(|line| [line, "\n"]).collect();
    let script = Script::read(&sql).map_err(|error| ScratchError::Postgres(format!("pg_dump: {error}")))?;
    Ok(script.steps.iter().map(|step| unordered(&step.text)).collect())
}

fn unordered(statement: &str) -> String {
    if !statement.starts_with("CREATE TABLE ") {
        return statement.to_owned();
    }
    let mut all: Vec<&str> = lines(statement).map(|line| line.trim_end_matches(',')).collect();
    if all.len() > 2 {
        let last = all.len() - 1;
        all[1..last].sort_unstable();
    }
    all.join("\n")
}
