//! The history of Supabase's command line, which is kept in step, so that it and the journal agree.

use crate::script::Step;
use crate::{Error, Migration};
use specc_postgres::{Session, postgres};
use std::collections::BTreeSet;

/// As that command line makes it.
const TABLE: &str = "\
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (version text not null primary key, statements text[], name text);
";

/// Whether there is one.
pub(crate) fn exists(session: &mut Session) -> Result<bool, postgres::Error> {
    Ok(session.query_one("select to_regclass('supabase_migrations.schema_migrations') is not null", &[])?.get(0))
}

/// Makes it if it is not there.
pub(crate) fn prepare(session: &mut Session) -> Result<(), Error> {
    if !exists(session)? {
        let mut transaction = session.transaction()?;
        transaction.batch_execute(TABLE)?;
        transaction.commit()?;
    }
    // The first form of the table had versions alone.
    let columns: i64 = session
        .query_one(
            "select count(*) from pg_attribute where attrelid = 'supabase_migrations.schema_migrations'::regclass \
             and attname in ('statements', 'name') and not attisdropped",
            &[],
        )?
        .get(0);
    if columns < 2 {
        session.batch_execute(
            "alter table supabase_migrations.schema_migrations add column if not exists statements text[], \
             add column if not exists name text",
        )?;
    }
    Ok(())
}

/// What it says was applied; nothing if it is not there.
pub(crate) fn read(session: &mut Session) -> Result<BTreeSet<String>, Error> {
    if !exists(session)? {
        return Ok(BTreeSet::new());
    }
    let rows = session.query("select version from supabase_migrations.schema_migrations", &[])?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// It was applied; in the transaction that is open, if one is.
pub(crate) fn add(session: &mut Session, migration: &Migration, steps: &[Step]) -> Result<(), postgres::Error> {
    let statements: Vec<&str> = steps.iter().map(|step| step.text.as_str()).collect();
    session.execute(
        "insert into supabase_migrations.schema_migrations (version, name, statements) values ($1, $2, $3) \
         on conflict (version) do nothing",
        &[&migration.stamp, &migration.name, &statements],
    )?;
    Ok(())
}

/// It was taken back; in the transaction that is open, if one is.
pub(crate) fn remove(session: &mut Session, stamp: &str) -> Result<(), postgres::Error> {
    session.execute("delete from supabase_migrations.schema_migrations where version = $1", &[&stamp])?;
    Ok(())
}
