//! What is otherwise in a database while a restore runs, and is put right at its end: where that does not come, by whoever takes
//! the lock next.

use crate::rights;
use crate::{Error, Event, Tell};
use specc_postgres::Session;
use specc_sql::quote;

/// The schema in which it is written down; a dump has none of this name.
pub(crate) const SCHEMA: &str = "specc_restore";

/// Does something for the time of a restore, and writes down in the same transaction what takes it back.
pub(crate) fn begin(session: &mut Session, away: &[String], back: &[String]) -> Result<(), Error> {
    if away.is_empty() {
        return Ok(());
    }
    session.batch_execute("begin")?;
    let done = written(session, away, back);
    session.batch_execute(if done.is_ok() { "commit" } else { "rollback" })?;
    done
}

fn written(session: &mut Session, away: &[String], back: &[String]) -> Result<(), Error> {
    let there: bool = session.query_one("select to_regclass($1) is not null", &[&table()])?.get(0);
    if !there {
        session.batch_execute(&format!(
            "create schema {SCHEMA}; create table {} (nth int generated always as identity primary key, statement text not null); \
             comment on schema {SCHEMA} is 'specc: what a restore that did not end puts right; specc apply, restore and reset run it'",
            table()
        ))?;
        // It is run as who owns it: nobody else writes to it, whatever default privileges say.
        rights::close(session, &table())?;
    }
    for statement in back {
        session.execute(&format!("insert into {} (statement) values ($1)", table()), &[statement])?;
    }
    Ok(session.batch_execute(&away.join(";\n"))?)
}

fn table() -> String {
    quote::qualified(SCHEMA, "unfinished")
}

/// Puts all right, if something is to be. What is gone by now needs nothing.
pub(crate) fn end(session: &mut Session) -> Result<usize, Error> {
    // What somebody else wrote there is not run as us.
    let ours: bool = session
        .query_one(
            "select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace \
               where c.oid = to_regclass($1) and pg_get_userbyid(c.relowner) = current_user \
                 and pg_get_userbyid(n.nspowner) = current_user \
                 and not exists (select from aclexplode(c.relacl) x where x.grantee <> c.relowner))",
            &[&table()],
        )?
        .get(0);
    if !ours {
        return Ok(0);
    }
    session.batch_execute("begin")?;
    let run = |session: &mut Session| -> Result<usize, Error> {
        let rows = session.query(&format!("select statement from {} order by nth", table()), &[])?;
        for row in &rows {
            session.batch_execute("savepoint one")?;
            let result = session.batch_execute(row.get(0));
            let gone = ["42883", "42704", "3F000"];
            match result {
                Ok(()) => session.batch_execute("release savepoint one")?,
                Err(error) if error.code().is_some_and(|code| gone.contains(&code.code())) => {
                    session.batch_execute("rollback to savepoint one")?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        session.batch_execute(&format!("drop table {}; drop schema {SCHEMA}", table()))?;
        Ok(rows.len())
    };
    let done = run(session);
    session.batch_execute(if done.is_ok() { "commit" } else { "rollback" })?;
    done
}

/// The same, where a restore before did not come to its end.
pub(crate) fn resume(session: &mut Session, tell: Tell<'_>) -> Result<(), Error> {
    let n = end(session)?;
    if n > 0 {
        tell(Event::Note(format!(
            "a restore did not come to its end: {n} default privileges and search paths that it had changed are as they were"
        )));
    }
    Ok(())
}
