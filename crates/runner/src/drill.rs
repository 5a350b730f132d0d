//! What a restore drill needs besides a restore: the roles and keys that a dump takes for granted, and how far the backup is
//! behind the database in use.

use crate::manifest::Manifest;
use crate::restore::in_transaction;
use crate::{Error, Refused, fingerprint, reset};
use serde::Serialize;
use specc_postgres::{Session, postgres};
use specc_sql::quote;
use std::collections::BTreeSet;
use std::io;

/// How far a backup is behind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Behind {
    /// Its age in seconds, by the clock of the database in use: what is younger is lost with that.
    pub seconds: f64,
    /// Tables that have other rows now.
    pub tables: Vec<Newer>,
    /// Tables that are as they were.
    pub same: usize,
}

/// A table that has other rows now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Newer {
    /// Its name.
    pub table: String,
    /// How many rows the backup has.
    pub backup: i64,
    /// How many there are now; none where the table is gone.
    pub now: Option<i64>,
    /// How many came after the backup, where a column says when a row came.
    pub later: Option<i64>,
    /// When the last of them came.
    pub last: Option<String>,
}

/// The roles that objects of a backup belong to or are granted to; of a database in use also those that its policies name.
///
/// # Errors
/// Those of the connection.
pub fn roles(manifest: &Manifest, live: Option<&mut Session>) -> Result<BTreeSet<String>, Error> {
    let rights = manifest.rights.iter().flatten();
    let mut all: BTreeSet<String> = rights.map(|right| right.grantee.clone()).filter(|role| !role.is_empty()).collect();
    if let Some(live) = live {
        let rows = live.query(
            "select distinct r.rolname::text from pg_shdepend d join pg_roles r on r.oid = d.refobjid
             where d.refclassid = 'pg_authid'::regclass
               and d.dbid = (select oid from pg_database where datname = current_database())",
            &[],
        )?;
        all.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    }
    Ok(all)
}

/// Makes those of the roles that are not there, for `owner`, who restores. `above` may make roles. What a role owns in the schema
/// that is there before a dump it has to be able to make there, which a dump says last.
///
/// # Errors
/// Those of the server.
pub fn make_roles(above: &mut Session, owner: &str, roles: &BTreeSet<String>) -> Result<(), Error> {
    for role in roles.iter().filter(|role| !role.starts_with("pg_")) {
        let there: bool = above.query_one("select exists (select from pg_roles where rolname = $1)", &[&role])?.get(0);
        if !there {
            let name = quote::ident(role);
            above.batch_execute(&format!("create role {name} nologin; grant {name} to {}", quote::ident(owner)))?;
        }
        above.batch_execute(&format!("grant create on schema public to {}", quote::ident(role)))?;
    }
    Ok(())
}

/// Copies the keys of rows in the platform's schemas to which rows of the project refer, and nothing else of those rows: accounts
/// are not in a backup of a project. Returns how many.
///
/// # Errors
/// A key that the tables of the drill do not take, or those of the connections.
pub fn copy_keys(live: &mut Session, above: &mut Session, without: &[String]) -> Result<u64, Error> {
    if without.is_empty() {
        return Ok(0);
    }
    let rows = live.query(
        "select n.nspname::text, t.relname::text, fn.nspname::text, f.relname::text,
           array(select a.attname::text from unnest(c.conkey) with ordinality k (num, nth)
             join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.num order by nth),
           array(select a.attname::text from unnest(c.confkey) with ordinality k (num, nth)
             join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.num order by nth)
         from pg_constraint c
           join pg_class t on t.oid = c.conrelid join pg_namespace n on n.oid = t.relnamespace
           join pg_class f on f.oid = c.confrelid join pg_namespace fn on fn.oid = f.relnamespace
         where c.contype = 'f' and c.conparentid = 0 and fn.nspname = any ($1) and n.nspname <> all ($1)
         order by 1, 2, c.conname",
        &[&without],
    )?;
    let mut copied = 0;
    for row in rows {
        let text = |at: usize| row.get::<_, String>(at);
        let names = |at: usize| -> Vec<String> {
            row.get::<_, Vec<String>>(at).iter().map(|name| quote::ident(name).into_owned()).collect()
        };
        let (own, far) = (reset::table(&text(0), &text(1)), reset::table(&text(2), &text(3)));
        let (here, there) = (names(4), names(5));
        let known = here.iter().map(|name| format!("{name} is not null")).collect::<Vec<_>>().join(" and ");
        let list = there.join(", ");
        let refused = |error: &dyn std::fmt::Display| {
            Error::from(
                Refused::new(format!("the rows of {far} to which {own} refers cannot be made for the drill: {error}"))
                    .help("the tables of the platform that a drill has are emulated: they may have other columns"),
            )
        };
        above.batch_execute(&format!("create temp table specc_keys as select {list} from {far} with no data"))?;
        {
            let sql = format!("copy (select distinct {} from {own} where {known}) to stdout", here.join(", "));
            let mut from = live.copy_out(&sql)?;
            let mut to = above.copy_in("copy specc_keys from stdin")?;
            io::copy(&mut from, &mut to).map_err(|error| refused(&error))?;
            to.finish()?;
        }
        let sql = format!("insert into {far} ({list}) select {list} from specc_keys on conflict do nothing");
        copied += above.execute(&sql, &[]).map_err(|error| refused(&crate::ServerError::of(&error)))?;
        above.batch_execute("drop table specc_keys")?;
    }
    Ok(copied)
}

/// Sets a backup against the database in use: which tables have other rows now. Reads every table of it.
///
/// # Errors
/// Those of the connection, and rows that row level security hides.
pub fn behind(live: &mut Session, manifest: &Manifest) -> Result<Behind, Error> {
    in_transaction(live, |live| {
        live.batch_execute("set transaction isolation level repeatable read, read only")?;
        live.batch_execute(fingerprint::CANONICAL)?;
        let age = live.query_one(
            "select extract(epoch from clock_timestamp() - $1::text::timestamptz)::float8",
            &[&manifest.taken],
        )?;
        let mut found = Behind { seconds: age.get(0), tables: Vec::new(), same: 0 };
        let mut there: BTreeSet<(String, String)> = fingerprint::tables(live, &manifest.without)?.into_iter().collect();
        for was in &manifest.tables {
            let table = reset::table(&was.schema, &was.name);
            // Tables of the platform that somebody asked for are compared too.
            let is_there: bool = live.query_one("select to_regclass($1) is not null", &[&table])?.get(0);
            there.remove(&(was.schema.clone(), was.name.clone()));
            if !is_there {
                found.tables.push(Newer { table, backup: was.rows, now: None, later: None, last: None });
                continue;
            }
            let is = fingerprint::of(live, &was.schema, &was.name)?;
            if was.is_in(&is) {
                found.same += 1;
                continue;
            }
            let (later, last) = later(live, &table, &manifest.taken)?;
            found.tables.push(Newer { table, backup: was.rows, now: Some(is.rows), later, last });
        }
        // A backup of some tables says nothing of others.
        if manifest.only.is_empty() {
            for (schema, name) in there {
                let is = fingerprint::of(live, &schema, &name)?;
                let table = reset::table(&schema, &name);
                let (later, last) = later(live, &table, &manifest.taken)?;
                found.tables.push(Newer { table, backup: 0, now: Some(is.rows), later, last });
            }
        }
        Ok(found)
    })
}

/// How many rows came after a time, and when the last did, by the first column that has the time at which a row is made.
fn later(live: &mut Session, table: &str, taken: &str) -> Result<(Option<i64>, Option<String>), postgres::Error> {
    let column = live.query_opt(
        "select a.attname::text from pg_attribute a join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
         where a.attrelid = $1::text::regclass and a.atttypid = 'timestamptz'::regtype and not a.attisdropped
           and lower(pg_get_expr(d.adbin, d.adrelid)) in ('now()', 'current_timestamp', 'statement_timestamp()', 'clock_timestamp()')
         order by a.attnum limit 1",
        &[&table],
    )?;
    let Some(column) = column else { return Ok((None, None)) };
    let name = quote::ident(column.get(0)).into_owned();
    let row = live.query_one(
        &format!("select count(*) filter (where {name} > $1::text::timestamptz), max({name})::text from only {table}"),
        &[&taken],
    )?;
    Ok((Some(row.get(0)), row.get(1)))
}
