//! One table out of a backup: beside the one there is, or into it.

use crate::manifest::{Manifest, TableState};
use crate::restore::{guarded, in_transaction, programs_for};
use crate::{Error, Event, Production, Refused, Tell, fingerprint, lock, reset, rights, rows, run, triggers};
use serde::Serialize;
use specc_postgres::{Install, Session, programs};
use specc_sql::quote;
use std::path::Path;
use std::time::Duration;

/// How to restore a table.
#[derive(Clone, Debug, Default)]
pub struct TableOptions {
    /// Which, as `schema.name`, or its name alone where that is clear.
    pub table: String,
    /// The name of a new table beside it, in its schema.
    pub into: Option<String>,
    /// Rows that are not in the backup go.
    pub clean: bool,
    /// Consent to change production.
    pub allow_production: bool,
    /// Why the project says that this is production, if it does.
    pub production: Option<Production>,
    /// How long to wait for another runner.
    pub wait: Duration,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableRestored {
    /// The table that has the rows now.
    pub table: String,
    /// How many the backup has.
    pub rows: i64,
    /// How many were put back: missing, or different.
    pub changed: u64,
    /// How many that the backup does not have were deleted.
    pub deleted: u64,
    /// How many that the backup does not have stay.
    pub newer: i64,
}

const STAGE: &str = "specc_restore";

/// Restores one table, in one transaction, and compares it with the manifest before the end of that.
///
/// # Errors
/// A dump that was changed, a table that is not in it, rows that do not fit; nothing is changed then.
pub fn restore_table(
    session: &mut Session,
    dump: &Path,
    manifest: &Manifest,
    options: &TableOptions,
    tell: Tell<'_>,
) -> Result<TableRestored, Error> {
    manifest.check(&mut programs::open(dump)?)?;
    let was = named(manifest, &options.table)?;
    guarded(session, options.production.as_ref(), options.allow_production)?;
    run::settle(session, Duration::from_secs(10), false)?;
    lock::take(session, options.wait, tell)?;
    let install = programs_for(session, manifest)?;
    let done = in_transaction(session, |session| match &options.into {
        Some(into) => beside(session, &install, dump, was, into, tell),
        None => in_place(session, &install, dump, was, options.clean, tell),
    });
    let _ = lock::release(session);
    done
}

fn named<'m>(manifest: &'m Manifest, written: &str) -> Result<&'m TableState, Refused> {
    let fits = |table: &&TableState| {
        table.name == written
            || format!("{}.{}", table.schema, table.name) == written
            || reset::table(&table.schema, &table.name) == written
    };
    let found: Vec<_> = manifest.tables.iter().filter(fits).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => {
            let names: Vec<_> = manifest.tables.iter().take(20).map(|t| reset::table(&t.schema, &t.name)).collect();
            Err(Refused::new(format!("there are no rows of `{written}` in the backup"))
                .help(format!("it has {}", if names.is_empty() { "no rows at all".into() } else { names.join(", ") })))
        }
        _ => Err(Refused::new(format!("`{written}` is in several schemas")).help("write schema.name")),
    }
}

/// The rows of the table into another one; returns the columns that the dump has.
fn copy(
    session: &mut Session,
    install: &Install,
    dump: &Path,
    was: &TableState,
    to: &str,
) -> Result<Vec<String>, Error> {
    let args = [format!("--schema={}", was.schema), format!("--table={}", was.name)];
    rows::copy(session, install, dump, &args, &mut |_, _| to.to_owned())?;
    let rows = session.query(
        "select attname::text from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped \
         order by attnum",
        &[&to],
    )?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn same(session: &mut Session, was: &TableState, schema: &str, name: &str) -> Result<(), Error> {
    session.batch_execute(fingerprint::CANONICAL)?;
    let is = fingerprint::of(session, schema, name)?;
    if was.is_in(&is) {
        return Ok(());
    }
    Err(Refused::new(format!(
        "the rows of {} do not come back as they were ({} rows, {} in the backup)",
        reset::table(&was.schema, &was.name),
        is.rows,
        was.rows
    ))
    .help("the table has other columns than it had then; restore the whole backup into a new database. Nothing was changed")
    .into())
}

fn beside(
    session: &mut Session,
    install: &Install,
    dump: &Path,
    was: &TableState,
    into: &str,
    tell: Tell<'_>,
) -> Result<TableRestored, Error> {
    let (from, to) = (reset::table(&was.schema, &was.name), reset::table(&was.schema, into));
    if session.query_one("select to_regclass($1) is not null", &[&to])?.get(0) {
        return Err(Refused::new(format!("there is a table {to} already"))
            .help("give another name with --into")
            .into());
    }
    // Nobody may read the rows there who could not before.
    session.batch_execute(&format!(
        "create table {to} (like {from} including all); alter table {to} enable row level security"
    ))?;
    rights::close(session, &to)?;
    copy(session, install, dump, was, &to)?;
    same(session, was, &was.schema, into)?;
    tell(Event::Note(format!("{to} has row level security on and no policies: only its owner reads it")));
    Ok(TableRestored { table: to, rows: was.rows, changed: u64::try_from(was.rows).unwrap_or(0), deleted: 0, newer: 0 })
}

fn in_place(
    session: &mut Session,
    install: &Install,
    dump: &Path,
    was: &TableState,
    clean: bool,
    tell: Tell<'_>,
) -> Result<TableRestored, Error> {
    let table = reset::table(&was.schema, &was.name);
    let stage = reset::table("pg_temp", STAGE);
    session.batch_execute(&format!(
        "create temp table {STAGE} (like {table} including defaults including generated) on commit drop"
    ))?;
    copy(session, install, dump, was, &stage)?;
    same(session, was, "pg_temp", STAGE)?;
    let columns = session.query(
        "select a.attname::text, a.attgenerated = '' , a.attidentity = 'a', \
           exists (select from pg_index i where i.indrelid = a.attrelid and i.indisprimary and a.attnum = any (i.indkey)) \
         from pg_attribute a where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped order by a.attnum",
        &[&table],
    )?;
    let (mut key, mut plain, mut update) = (Vec::new(), Vec::new(), Vec::new());
    for row in &columns {
        let name = quote::ident(row.get(0)).into_owned();
        let (written, always, in_key): (bool, bool, bool) = (row.get(1), row.get(2), row.get(3));
        if written {
            plain.push(name.clone());
        }
        if in_key {
            key.push(name);
        } else if written && !always {
            update.push(name);
        }
    }
    if key.is_empty() {
        return Err(Refused::new(format!("{table} has no primary key, so its rows cannot be matched"))
            .help("restore it into a new table with --into NAME. Nothing was changed")
            .into());
    }
    let asleep = triggers::sleep(session, &table)?;
    let (key_list, all) = (key.join(", "), plain.join(", "));
    let then = if update.is_empty() {
        "do nothing".to_owned()
    } else {
        let set: Vec<_> = update.iter().map(|c| format!("{c} = excluded.{c}")).collect();
        let differs: Vec<_> =
            update.iter().map(|c| format!("t.{c}::text is distinct from excluded.{c}::text")).collect();
        format!("do update set {} where {}", set.join(", "), differs.join(" or "))
    };
    let changed = session.execute(
        &format!(
            "insert into {table} as t ({all}) overriding system value select {all} from {stage} on conflict ({key_list}) {then}"
        ),
        &[],
    )?;
    let same_key: Vec<_> = key.iter().map(|c| format!("s.{c} = t.{c}")).collect();
    let extra = format!("not exists (select from {stage} s where {})", same_key.join(" and "));
    let mut newer: i64 = session.query_one(&format!("select count(*) from {table} t where {extra}"), &[])?.get(0);
    let mut deleted = 0;
    if clean && newer > 0 {
        let follow: Vec<String> = session
            .query(
                "select conrelid::regclass::text from pg_constraint where confrelid = to_regclass($1) and contype = 'f' \
                 and confdeltype in ('c', 'n', 'd') order by 1",
                &[&table],
            )?
            .iter()
            .map(|row| row.get(0))
            .collect();
        if !follow.is_empty() {
            return Err(Refused::new(format!(
                "deleting {newer} rows that are not in the backup would change {}",
                follow.join(", ")
            ))
            .help("leave out --clean to keep them, or delete them yourself. Nothing was changed")
            .into());
        }
        deleted = session.execute(&format!("delete from {table} t where {extra}"), &[])?;
        newer = 0;
    }
    asleep.wake(session)?;
    if newer > 0 {
        tell(Event::Note(format!("{newer} rows of {table} are not in the backup and stay")));
    } else {
        same(session, was, &was.schema, &was.name)?;
    }
    Ok(TableRestored { table, rows: was.rows, changed, deleted, newer })
}
