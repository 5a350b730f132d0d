//! Triggers of users that sleep while rows come back: what they did is in the rows.

use specc_postgres::Session;
use specc_sql::quote;

use crate::Error;

/// Triggers that were put to sleep, and how they were.
pub(crate) struct Asleep {
    table: String,
    were: Vec<(String, &'static str)>,
}

/// Puts the triggers of a table to sleep, in the transaction that is open. Those of a table that belongs to somebody else
/// stay awake: only its owner may.
pub(crate) fn sleep(session: &mut Session, table: &str) -> Result<Asleep, Error> {
    let rows = session.query(
        "select tgname::text, tgenabled::text from pg_trigger where tgrelid = to_regclass($1) and not tgisinternal \
         and tgenabled <> 'D' \
         and (select pg_has_role(relowner, 'usage') from pg_class where oid = tgrelid) order by 1",
        &[&table],
    )?;
    let how = |state: &str| match state {
        "R" => "enable replica",
        "A" => "enable always",
        _ => "enable",
    };
    let were: Vec<_> = rows.iter().map(|row| (row.get(0), how(row.get(1)))).collect();
    if !were.is_empty() {
        session.batch_execute(&format!("alter table {table} disable trigger user"))?;
    }
    Ok(Asleep { table: table.to_owned(), were })
}

impl Asleep {
    /// As they were.
    pub(crate) fn wake(&self, session: &mut Session) -> Result<(), Error> {
        for (name, how) in &self.were {
            session.batch_execute(&format!("alter table {} {how} trigger {}", self.table, quote::ident(name)))?;
        }
        Ok(())
    }
}
