//! A dump by `pg_dump`, and beside it what was in it, both of the same snapshot.

#![expect(clippy::disallowed_methods, reason = "a run waits for a server and says how long it took")]

use crate::manifest::{Manifest, digest};
use crate::masked::{self, SpecColumn};
use crate::{Error, Event, Refused, Tell, fingerprint, journal, rights};
use serde::{Deserialize, Serialize};
use specc_postgres::{Address, Session, postgres, programs};
use specc_sql::quote;
use std::path::Path;
use std::time::Instant;

/// What goes into a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Schema and rows.
    #[default]
    Whole,
    /// No rows.
    Schema,
    /// Rows alone.
    Data,
}

/// How to back up.
#[derive(Clone, Debug, Default)]
pub struct BackupOptions {
    /// What goes in.
    pub scope: Scope,
    /// Only these tables, as `schema.name`.
    pub tables: Vec<String>,
    /// Leaves out schemas that are the platform's.
    pub supabase: bool,
    /// All columns of the spec, of which some hold other values in the dump; none: all is as it is.
    pub masked: Option<Vec<SpecColumn>>,
}

/// Schema and name of a table, as somebody wrote it.
pub(crate) fn find_table(session: &mut Session, written: &str) -> Result<(String, String), Error> {
    let row = session.query_opt(
        "select n.nspname::text, c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace \
         where c.oid = to_regclass($1) and c.relkind in ('r', 'p')",
        &[&written],
    );
    match row {
        Ok(Some(row)) => Ok((row.get(0), row.get(1))),
        Ok(None) => Err(Refused::new(format!("there is no table `{written}` in the database")).into()),
        // A name that cannot be read is an error for the server.
        Err(error) if error.code().is_some_and(|code| code.code().starts_with("42")) => {
            Err(Refused::new(format!("`{written}` is no name of a table: write schema.name")).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Dumps the database at `address` into a new file `to`, in pg_dump's custom format, and says what was in it. `session` is
/// one to the same database.
///
/// # Errors
/// A table that is not there, no fitting `pg_dump`, or its failure.
pub fn backup(
    session: &mut Session,
    address: &Address,
    to: &Path,
    options: &BackupOptions,
    tell: Tell<'_>,
) -> Result<Manifest, Error> {
    session.batch_execute(
        "set idle_in_transaction_session_timeout = 0; set lock_timeout = 0; set statement_timeout = 0",
    )?;
    session.batch_execute("begin isolation level repeatable read, read only")?;
    let done = dump(session, address, to, options, tell);
    let _ = session.batch_execute("rollback");
    done
}

fn dump(
    session: &mut Session,
    address: &Address,
    to: &Path,
    options: &BackupOptions,
    tell: Tell<'_>,
) -> Result<Manifest, Error> {
    let (major, server) = version(session)?;
    let install = programs::for_server(major)?;
    let without = if options.supabase && options.tables.is_empty() { platform_schemas(session)? } else { Vec::new() };
    let mut only = Vec::new();
    for written in &options.tables {
        only.push(find_table(session, written)?);
    }
    let row = session.query_one(
        "select pg_export_snapshot(), current_database()::text, \
           to_char(now() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
        &[],
    )?;
    let (snapshot, database, taken): (String, String, String) = (row.get(0), row.get(1), row.get(2));
    let names = match options.scope {
        Scope::Schema => Vec::new(),
        _ if only.is_empty() => fingerprint::tables(session, &without)?,
        _ => leaves(session, &only)?,
    };
    let spec = options.masked.as_ref();
    let masked = spec.map(|spec| masked::Plan::read(session, spec, &names, &without, tell)).transpose()?;
    // Its patterns are names between quotes.
    let pattern = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let mut args = match &masked {
        None => vec!["--format=custom".to_owned(), format!("--file={}", to.display())],
        Some(plan) => plan.arguments(install.major(), pattern),
    };
    args.extend(["--no-password".into(), format!("--snapshot={snapshot}")]);
    match options.scope {
        Scope::Whole => {}
        Scope::Schema => args.push("--schema-only".into()),
        Scope::Data => args.push("--data-only".into()),
    }
    args.extend(without.iter().map(|schema| format!("--exclude-schema={}", pattern(schema))));
    args.extend(only.iter().map(|(schema, name)| format!("--table={}.{}", pattern(schema), pattern(name))));
    if !without.is_empty() {
        tell(Event::Note(format!("the platform's own schemas are not in it: {}", without.join(", "))));
    }
    let mut search_path = None;
    if options.scope != Scope::Data && only.is_empty() {
        let path: String = session.query_one(SEARCH_PATH, &[])?.get(0);
        let called = in_need_of_a_path(session)?;
        for (function, by) in called.iter().filter_map(|(function, by, is_text)| is_text.then_some((function, by))) {
            tell(Event::Note(format!(
                "{function} is called by {by}, and says nothing of its search path: `specc restore` gives it that of the database \
                 ({path}) while rows come back; `pg_restore` alone calls it with an empty one, and fails where its body (or that of what \
                 it calls) names anything without its schema"
            )));
        }
        search_path = (!called.is_empty()).then_some(path);
    }
    // Sequences stand outside of every snapshot: what is read before the dump is the least that is in it.
    let with_sequences = options.scope != Scope::Schema && only.is_empty();
    let sequences = if with_sequences { fingerprint::sequences(session, &without)? } else { Vec::new() };
    let with_rights = options.scope != Scope::Data && only.is_empty();
    let rights = if with_rights { Some(rights::all(session, &without)?) } else { None };
    let began = Instant::now();
    let said = match &masked {
        None => programs::run(&install, "pg_dump", Some(address), &args)?,
        Some(plan) => {
            let mut file = std::io::BufWriter::new(programs::create(to)?);
            programs::stream(&install, "pg_dump", Some(address), &args, |output| plan.copy(output, &mut file))?;
            String::new()
        }
    };
    said.lines().for_each(|line| tell(Event::Warning(line.to_owned())));
    tell(Event::Note(format!("dumped in {}", crate::event::seconds(began.elapsed()))));
    let tables = if options.scope == Scope::Schema {
        Vec::new()
    } else {
        session.batch_execute(fingerprint::CANONICAL)?;
        let began = Instant::now();
        let mut tables = Vec::with_capacity(names.len());
        for (schema, name) in &names {
            let mut table = fingerprint::of(session, schema, name)?;
            // It says of values what they were.
            table.fingerprint = table.fingerprint.filter(|_| !masked.as_ref().is_some_and(|m| m.changes(schema, name)));
            tables.push(table);
        }
        tell(Event::Note(format!("{} tables counted in {}", tables.len(), crate::event::seconds(began.elapsed()))));
        tables
    };
    let stamp = if journal::exists(session)? {
        session.query_one("select max(stamp) from specc.migrations where state = 'applied'", &[])?.get(0)
    } else {
        None
    };
    let (sha256, bytes) = digest(&mut programs::open(to)?)?;
    let only = only.iter().map(|(schema, name)| quote::qualified(schema, name)).collect();
    Ok(Manifest {
        specc: Manifest::VERSION,
        database,
        taken,
        server,
        pg_dump: install.version().to_owned(),
        scope: options.scope,
        stamp,
        only,
        without,
        search_path,
        masked: masked.is_some(),
        tables,
        sequences,
        rights,
        sha256,
        bytes,
    })
}

/// The search path that the database has for everyone, else that of who is connected.
const SEARCH_PATH: &str = "\
select coalesce((select substr(c.setting, strpos(c.setting, '=') + 1) from pg_db_role_setting s cross join unnest(s.setconfig) c (setting) \
  where s.setrole = 0 and s.setdatabase = (select oid from pg_database where datname = current_database()) \
    and c.setting like 'search\\_path=%'), \
  (select reset_val from pg_settings where name = 'search_path'))";

/// Functions that are called while rows come back, by checks, indexes, computed columns and materialized views, and set no search
/// path; whether the body is a text. One that was parsed already may call others whose bodies are texts.
fn in_need_of_a_path(session: &mut Session) -> Result<Vec<(String, String, bool)>, postgres::Error> {
    let rows = session.query(
        "select format('%s(%s)', p.oid::regproc, pg_get_function_identity_arguments(p.oid)), \
           min(pg_describe_object(d.classid, d.objid, d.objsubid)), p.prosqlbody is null \
         from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang \
         join pg_depend d on d.refclassid = 'pg_proc'::regclass and d.refobjid = p.oid and d.deptype <> 'e' \
         where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' \
           and l.lanname not in ('c', 'internal') \
           and not exists (select from unnest(p.proconfig) c where c like 'search_path=%') \
           and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e') \
           and (exists (select from pg_class c where d.classid = 'pg_class'::regclass and c.oid = d.objid and c.relkind = 'i') \
             or exists (select from pg_constraint c where d.classid = 'pg_constraint'::regclass and c.oid = d.objid and c.contype = 'c') \
             or exists (select from pg_attrdef f join pg_attribute a on a.attrelid = f.adrelid and a.attnum = f.adnum \
               where d.classid = 'pg_attrdef'::regclass and f.oid = d.objid and a.attgenerated <> '') \
             or exists (select from pg_rewrite r join pg_class c on c.oid = r.ev_class \
               where d.classid = 'pg_rewrite'::regclass and r.oid = d.objid and c.relkind = 'm')) \
         group by p.oid order by 1",
        &[],
    )?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}

/// Major version and version of the server.
pub(crate) fn version(session: &mut Session) -> Result<(u32, String), Error> {
    let row = session
        .query_one("select current_setting('server_version_num')::int4, current_setting('server_version')", &[])?;
    Ok((u32::try_from(row.get::<_, i32>(0)).unwrap_or(0) / 10_000, row.get(1)))
}

/// Schemas that others own, with nothing of ours in them.
fn platform_schemas(session: &mut Session) -> Result<Vec<String>, postgres::Error> {
    let rows = session.query(
        "select n.nspname::text from pg_namespace n join pg_roles me on me.rolname = current_user \
         where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'public') and n.nspowner <> me.oid \
           and not exists (select from pg_class c where c.relnamespace = n.oid and c.relowner = me.oid) order by 1",
        &[],
    )?;
    let mut found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    // Ours by name of the owner, and full of extensions.
    found.extend(["extensions".to_owned()]);
    Ok(found)
}

/// The tables with rows of their own below these.
fn leaves(session: &mut Session, only: &[(String, String)]) -> Result<Vec<(String, String)>, postgres::Error> {
    let mut found = Vec::new();
    for (schema, name) in only {
        let rows = session.query(
            "with recursive tree (oid) as (select to_regclass($1)::oid union \
               select i.inhrelid from pg_inherits i join tree on tree.oid = i.inhparent join pg_class c on c.oid = i.inhrelid \
               where c.relispartition) \
             select n.nspname::text, c.relname::text from tree join pg_class c using (oid) join pg_namespace n on n.oid = c.relnamespace \
             where c.relkind = 'r' order by 1, 2",
            &[&quote::qualified(schema, name)],
        )?;
        found.extend(rows.iter().map(|row| (row.get(0), row.get(1))));
    }
    found.sort();
    found.dedup();
    Ok(found)
}
