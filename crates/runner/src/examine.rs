//! What became of a step that began and was not completed, where it could not be journalled in its own transaction.

use crate::script::Step;
use crate::{Error, Event, Tell};
use specc_postgres::{Session, postgres};
use specc_split::Kind;
use specc_sql::quote;

/// What is to be done with a step.
pub(crate) enum Verdict {
    /// It is run.
    Run,
    /// This is run in its place.
    Instead(String),
    /// It was done, as the database shows.
    Done(String),
    /// Nobody can tell.
    Unknown(String),
}

/// What is known of a step from before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Past {
    /// It was begun and not completed.
    pub(crate) begun: bool,
    /// The server said why it failed.
    pub(crate) failed: bool,
    /// It failed because there was something of its name, which it had not made.
    pub(crate) stranger: bool,
}

/// What to do with a step.
pub(crate) fn examine(session: &mut Session, step: &Step, past: Past, tell: Tell<'_>) -> Result<Verdict, Error> {
    let Past { begun, failed, stranger } = past;
    Ok(match &step.kind {
        Kind::CreateIndex { name: Some(name), table } => match index(session, name, table)? {
            Some(found) if !found.valid => {
                drop_invalid(session, &found, tell)?;
                Verdict::Run
            }
            Some(_) if begun && !stranger => Verdict::Done(format!("index {name} is there and valid")),
            _ => Verdict::Run,
        },
        _ if !begun => Verdict::Run,
        Kind::CreateIndex { name: None, table } => {
            let invalid = invalid_on(session, table)?;
            if failed && invalid.is_empty() {
                Verdict::Run
            } else {
                Verdict::Unknown(format!(
                    "the index has no name, so whether it was built is unknown{}",
                    if invalid.is_empty() {
                        String::new()
                    } else {
                        format!("; invalid indexes on {table}: {}", invalid.join(", "))
                    }
                ))
            }
        }
        Kind::DropIndex { index } => {
            let there: bool = session.query_one("select to_regclass($1) is not null", &[index])?.get(0);
            if there { Verdict::Run } else { Verdict::Done(format!("index {index} is gone")) }
        }
        Kind::Reindex { index } => {
            if let Some(index) = index {
                for left in rebuilt(session, index)? {
                    drop_invalid(session, &left, tell)?;
                }
            }
            Verdict::Run
        }
        Kind::Detach { table, partition } => {
            let row = session.query_opt(
                "select inhdetachpending from pg_inherits where inhparent = to_regclass($1) and inhrelid = to_regclass($2)",
                &[table, partition],
            )?;
            match row.map(|row| row.get::<_, bool>(0)) {
                None => Verdict::Done(format!("{partition} is no partition of {table} any more")),
                Some(true) => Verdict::Instead(format!("alter table {table} detach partition {partition} finalize")),
                Some(false) => Verdict::Run,
            }
        }
        // A statement that the server refused did nothing; but one that may commit on its way can have done half.
        Kind::Outside if failed && !step.text.to_ascii_lowercase().starts_with("call") => Verdict::Run,
        Kind::Outside => Verdict::Unknown("whether its work was done is unknown".into()),
        _ => Verdict::Run,
    })
}

/// After a concurrent build that failed: what it left is of no use, and may stand in the way of writes.
pub(crate) fn clean_up(session: &mut Session, step: &Step, tell: Tell<'_>) -> Result<(), Error> {
    match &step.kind {
        Kind::CreateIndex { name: Some(name), table } => {
            if let Some(found) = index(session, name, table)?.filter(|found| !found.valid) {
                drop_invalid(session, &found, tell)?;
            }
        }
        Kind::Reindex { index: Some(index) } => {
            for left in rebuilt(session, index)? {
                drop_invalid(session, &left, tell)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Takes back what a concurrent build made or left.
pub(crate) fn undo(session: &mut Session, step: &Step, tell: Tell<'_>) -> Result<(), Error> {
    if let Kind::CreateIndex { name: Some(name), table } = &step.kind
        && let Some(found) = index(session, name, table)?
    {
        tell(Event::Note(format!("dropping index {}, which the change made", found.name)));
        session.batch_execute(&format!("drop index concurrently {}", quote::qualified(&found.schema, &found.name)))?;
    }
    clean_up(session, step, tell)
}

struct Index {
    schema: String,
    name: String,
    valid: bool,
}

fn index(session: &mut Session, name: &str, table: &str) -> Result<Option<Index>, postgres::Error> {
    let row = session.query_opt(
        "select n.nspname::text, c.relname::text, i.indisvalid and i.indisready \
         from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace \
         where i.indrelid = to_regclass($1) and c.relname = left($2, 63)::name",
        &[&table, &name],
    )?;
    Ok(row.map(|row| Index { schema: row.get(0), name: row.get(1), valid: row.get(2) }))
}

fn invalid_on(session: &mut Session, table: &str) -> Result<Vec<String>, postgres::Error> {
    let rows = session.query(
        "select indexrelid::regclass::text from pg_index where indrelid = to_regclass($1) and not indisvalid order by 1",
        &[&table],
    )?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// What a broken concurrent rebuild of an index leaves.
fn rebuilt(session: &mut Session, index: &str) -> Result<Vec<Index>, postgres::Error> {
    let rows = session.query(
        "select n.nspname::text, c.relname::text \
         from pg_index old join pg_class o on o.oid = old.indexrelid \
           join pg_index i on i.indrelid = old.indrelid and not i.indisvalid \
           join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace \
         where old.indexrelid = to_regclass($1) and starts_with(c.relname, left(o.relname, 50)) \
           and c.relname ~ '_cc(new|old)[0-9]*$'",
        &[&index],
    )?;
    Ok(rows.iter().map(|row| Index { schema: row.get(0), name: row.get(1), valid: false }).collect())
}

fn drop_invalid(session: &mut Session, index: &Index, tell: Tell<'_>) -> Result<(), Error> {
    tell(Event::Note(format!("index {} was left invalid by a build that failed: dropping it", index.name)));
    // For itself it may wait as long as it takes: it makes nobody wait.
    session.batch_execute(&format!("drop index concurrently {}", quote::qualified(&index.schema, &index.name)))?;
    Ok(())
}
