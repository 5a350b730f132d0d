//! A whole backup back into a database, and proof that it came back.

use crate::backup::{Scope, version};
use crate::manifest::{Manifest, TableState};
use crate::rights::{self, Withdrawn};
use crate::{Error, Event, Production, Refused, Tell, fingerprint, guard, lock, meanwhile, reset, rows, run, triggers};
use serde::Serialize;
use specc_postgres::{Address, Install, Session, postgres, programs};
use specc_sql::quote;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// How to restore.
#[derive(Clone, Debug, Default)]
pub struct RestoreOptions {
    /// Drops what is there before.
    pub clean: bool,
    /// Consent to change production.
    pub allow_production: bool,
    /// Why the project says that this is production, if it does.
    pub production: Option<Production>,
    /// The role that restores owns everything.
    pub no_owner: bool,
    /// How long to wait for another runner.
    pub wait: Duration,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Tables that were compared with the manifest, all equal.
    pub tables: usize,
    /// Their rows.
    pub rows: i64,
}

/// Restores a dump with its manifest into the database at `address`, to which `session` is, and compares.
///
/// # Errors
/// A dump that was changed, a database that is not empty, production without its flag, the failure of `pg_restore`, or a
/// table that is not what it was.
pub fn restore(
    session: &mut Session,
    address: &Address,
    dump: &Path,
    manifest: &Manifest,
    options: &RestoreOptions,
    tell: Tell<'_>,
) -> Result<Restored, Error> {
    manifest.check(&mut programs::open(dump)?)?;
    if let Some(table) = manifest.only.first() {
        return Err(Refused::new(format!("the backup holds {} alone", manifest.only.join(", ")))
            .help(format!("restore its tables one by one: specc restore FILE --table {table}"))
            .into());
    }
    guarded(session, options.production.as_ref(), options.allow_production)?;
    run::settle(session, Duration::from_secs(10), false)?;
    lock::take(session, options.wait, tell)?;
    let install = programs_for(session, manifest)?;
    if manifest.scope == Scope::Data {
        in_transaction(session, |session| only_rows(session, &install, dump, manifest, options))?;
    } else {
        make_room(session, options, tell)?;
        everything(session, address, &install, dump, (manifest, options), tell)?;
    }
    let restored = in_transaction(session, |session| {
        session.batch_execute(fingerprint::CANONICAL)?;
        compare(session, manifest, options)
    })?;
    lock::release(session)?;
    Ok(restored)
}

pub(crate) fn guarded(session: &mut Session, by_config: Option<&Production>, allowed: bool) -> Result<(), Error> {
    let production = match by_config {
        Some(by_config) => Some(by_config.clone()),
        None => guard::production(session)?,
    };
    guard::check(production.as_ref(), allowed, "restoring into it", "specc restore --allow-production")
}

/// A `pg_restore` that reads the dump and knows the server.
pub(crate) fn programs_for(session: &mut Session, manifest: &Manifest) -> Result<Install, Error> {
    let (major, _) = version(session)?;
    let digits = manifest.pg_dump.split('.').next().and_then(|major| major.parse().ok());
    Ok(programs::for_server(major.max(digits.unwrap_or(0)))?)
}

pub(crate) fn in_transaction<T>(
    session: &mut Session,
    act: impl FnOnce(&mut Session) -> Result<T, Error>,
) -> Result<T, Error> {
    session.batch_execute("begin")?;
    match act(session) {
        Ok(value) => {
            session.batch_execute("commit")?;
            Ok(value)
        }
        Err(error) => {
            let _ = session.batch_execute("rollback");
            Err(error)
        }
    }
}

/// Nothing of a project may be there, or it goes.
fn make_room(session: &mut Session, options: &RestoreOptions, tell: Tell<'_>) -> Result<(), Error> {
    let drops = reset::drops(session)?;
    let own: Vec<String> = session
        .query("select nspname::text from pg_namespace where nspname in ('specc', 'supabase_migrations')", &[])?
        .iter()
        .map(|row| row.get(0))
        .collect();
    if drops.is_empty() && own.is_empty() {
        return Ok(());
    }
    if !options.clean {
        let name: String = session.query_one("select current_database()::text", &[])?.get(0);
        return Err(Refused::new(format!("{name} is not empty: it has {} objects", drops.len() + own.len()))
            .help("restore into a new database, or drop what is there with --clean, or restore one table with --table")
            .into());
    }
    tell(Event::Note(format!("dropping {} objects that are there", drops.len())));
    in_transaction(session, |session| {
        for drop in &drops {
            session.batch_execute(drop)?;
        }
        for schema in &own {
            session.batch_execute(&format!("drop schema {} cascade", quote::ident(schema)))?;
        }
        Ok(())
    })
}

/// Schema and rows, in one transaction of `pg_restore`. A dump says which rights there are beside those of an owner: what
/// default privileges would add to that is left out. Where functions are called that may need a search path, they are given one
/// when they are there, and before there are rows: then it is two transactions, and if the second fails, what the first one made goes.
fn everything(
    session: &mut Session,
    address: &Address,
    install: &Install,
    dump: &Path,
    (manifest, options): (&Manifest, &RestoreOptions),
    tell: Tell<'_>,
) -> Result<(), Error> {
    let there = There::read(session, &manifest.without)?;
    let Withdrawn { away, back } = Withdrawn::new(session)?;
    meanwhile::begin(session, &away, &back)?;
    let part = |sections: &[&str]| {
        let mut args = vec!["--single-transaction".into(), "--no-password".into()];
        args.push(format!("--dbname={}", address.database()));
        args.extend(sections.iter().map(|section| format!("--section={section}")));
        if options.no_owner {
            args.push("--no-owner".into());
        }
        programs::restore_listed(install, address, dump, &args, &|line| there.wants(line))
    };
    let all = |session: &mut Session| -> Result<String, Error> {
        let Some(path) = &manifest.search_path else { return Ok(part(&[])?) };
        let said = part(&["pre-data"])?;
        let rest = give_path(session, path).and_then(|()| Ok(part(&["data", "post-data"])?));
        if rest.is_err() {
            make_room(session, &RestoreOptions { clean: true, ..options.clone() }, tell)?;
        }
        Ok(said + &rest?)
    };
    let said = all(session);
    meanwhile::end(session)?;
    said?.lines().for_each(|line| tell(Event::Warning(line.to_owned())));
    Ok(())
}

/// Has each function that sets no search path set this one, for a while: what its body names without a schema is found then.
fn give_path(session: &mut Session, path: &str) -> Result<(), Error> {
    // Shown with all schemas.
    session.batch_execute("set search_path = ''")?;
    let rows = session.query(
        "select case p.prokind when 'p' then 'procedure ' else 'function ' end || p.oid::regprocedure::text from pg_proc p \
         join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang \
         where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and p.prosqlbody is null and p.prokind <> 'a' \
           and l.lanname not in ('c', 'internal') and pg_has_role(current_user, p.proowner, 'usage') \
           and not exists (select from unnest(p.proconfig) c where c like 'search_path=%') \
           and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e') \
         order by p.oid",
        &[],
    )?;
    let all: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let away: Vec<String> = all.iter().map(|name| format!("alter {name} set search_path from current")).collect();
    let back: Vec<String> = all.iter().map(|name| format!("alter {name} reset search_path")).collect();
    session.query_one("select set_config('search_path', $1, false)", &[&path])?;
    let given = meanwhile::begin(session, &away, &back);
    session.batch_execute("set search_path = public")?;
    given
}

/// What the target has already, which a dump would make again.
struct There {
    me: String,
    /// How lines begin that are about the platform's schemas: what extensions have there is dumped with them.
    platform: Vec<String>,
    names: BTreeSet<(&'static str, String)>,
}

impl There {
    fn read(session: &mut Session, without: &[String]) -> Result<Self, postgres::Error> {
        let mut names = BTreeSet::new();
        for (kind, query) in [
            ("SCHEMA", "select nspname::text from pg_namespace"),
            ("EXTENSION", "select extname::text from pg_extension"),
            ("PUBLICATION", "select pubname::text from pg_publication"),
            ("EVENT TRIGGER", "select evtname::text from pg_event_trigger"),
        ] {
            names.extend(session.query(query, &[])?.iter().map(|row| (kind, row.get(0))));
        }
        let about = ["ACL", "COMMENT", "SECURITY LABEL"];
        let lines = |schema: &String| about.map(|a| [format!("{a} {schema} "), format!("{a} - SCHEMA {schema} ")]);
        let platform = without.iter().flat_map(lines).flatten().collect();
        Ok(Self { platform, me: session.query_one("select current_user::text", &[])?.get(0), names })
    }

    /// Whether a line of the dump's list is to be restored: `12; 2615 16385 SCHEMA - name owner`.
    fn wants(&self, line: &str) -> bool {
        let Some(what) = line.split_once("; ").and_then(|(_, rest)| rest.splitn(3, ' ').nth(2)) else {
            return true;
        };
        if what.starts_with("COMMENT - EXTENSION ") || self.platform.iter().any(|line| what.starts_with(line)) {
            return false;
        }
        if what.starts_with("DEFAULT ACL ") {
            return what.ends_with(&format!(" {}", self.me));
        }
        let there = |(kind, name): &(&str, String)| {
            let rest = what.strip_prefix(kind).and_then(|rest| rest.strip_prefix(" - "));
            rest.and_then(|rest| rest.strip_prefix(name.as_str()))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        !self.names.iter().any(there)
    }
}

/// Rows alone, into tables that are there and empty.
fn only_rows(
    session: &mut Session,
    install: &Install,
    dump: &Path,
    manifest: &Manifest,
    options: &RestoreOptions,
) -> Result<(), Error> {
    let mut full = Vec::new();
    for TableState { schema, name, .. } in &manifest.tables {
        let table = reset::table(schema, name);
        let there: bool = session.query_one("select to_regclass($1) is not null", &[&table])?.get(0);
        if !there {
            return Err(Refused::new(format!("there is no table {table} for its rows"))
                .help("the backup has only rows: apply the migrations first")
                .into());
        }
        if session.query_one(&format!("select exists (select from only {table})"), &[])?.get(0) {
            full.push(table);
        }
    }
    if !full.is_empty() {
        if !options.clean {
            return Err(Refused::new(format!("there are rows already in {}", full.join(", ")))
                .help("restore into empty tables, or empty them with --clean")
                .into());
        }
        session.batch_execute(&format!("truncate only {}", full.join(", ")))?;
    }
    // What triggers did to the rows is in the rows.
    let mut asleep = Vec::new();
    for TableState { schema, name, .. } in &manifest.tables {
        asleep.push(triggers::sleep(session, &reset::table(schema, name))?);
    }
    rows::copy(session, install, dump, &[], &mut |table, _| table.to_owned())?;
    asleep.iter().try_for_each(|asleep| asleep.wake(session))
}

/// Rights that there were not, or are no more. Those of the platform's own objects are not looked at.
fn other_rights(session: &mut Session, manifest: &Manifest) -> Result<Vec<String>, Error> {
    let Some(was) = &manifest.rights else { return Ok(Vec::new()) };
    let schemas: BTreeSet<&str> = was
        .iter()
        .map(|right| right.schema.as_str())
        .chain(manifest.tables.iter().map(|t| t.schema.as_str()))
        .collect();
    let mut is = rights::all(session, &manifest.without)?;
    is.retain(|right| schemas.contains(right.schema.as_str()));
    let more = is
        .iter()
        .filter(|right| was.binary_search(right).is_err())
        .map(|right| format!("{right}, which was not there"));
    let less = was.iter().filter(|right| is.binary_search(right).is_err()).map(|right| format!("no {right}"));
    Ok(more.chain(less).collect())
}

/// Every table and sequence must be what it was, and open to whom it was.
fn compare(session: &mut Session, manifest: &Manifest, options: &RestoreOptions) -> Result<Restored, Error> {
    let mut wrong = Vec::new();
    for was in &manifest.tables {
        let is = fingerprint::of(session, &was.schema, &was.name)?;
        if !was.is_in(&is) {
            let how = if is.rows == was.rows {
                "its rows are not those".into()
            } else {
                format!("{} rows, and should be {}", is.rows, was.rows)
            };
            wrong.push(format!("{}: {how}", reset::table(&was.schema, &was.name)));
        }
    }
    let sequences = fingerprint::sequences(session, &[])?;
    for was in &manifest.sequences {
        let is = sequences.iter().find(|is| (&is.schema, &is.name) == (&was.schema, &was.name));
        if is.is_none_or(|is| is.last_value < was.last_value) {
            wrong.push(format!(
                "sequence {}: it would return values that were used before",
                reset::table(&was.schema, &was.name)
            ));
        }
    }
    // Of what another role owns from now on, others have other rights.
    if !options.no_owner {
        wrong.extend(other_rights(session, manifest)?);
    }
    if wrong.is_empty() {
        return Ok(Restored {
            tables: manifest.tables.len(),
            rows: manifest.tables.iter().map(|table| table.rows).sum(),
        });
    }
    Err(Refused::new(format!("restored, but not what was backed up:\n  {}", wrong.join("\n  ")))
        .help("something else wrote to the database meanwhile, or something in it changes rows; restore into a new database")
        .into())
}
