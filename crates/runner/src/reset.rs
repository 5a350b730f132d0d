//! Back to nothing: everything that is the project's goes, what is the platform's or an extension's stays.
//!
//! The project's is what belongs to the role that we are: schemas with everything in them, and objects in schemas that are
//! shared (`public`, and those that hold an extension); then policies on tables of others, since only projects add those,
//! and publications. Triggers on tables of others go with their functions.

use crate::script::Script;
use crate::{Error, Event, Production, Refused, Tell, guard, history, journal, lock, run};
use specc_postgres::{Session, load_sql, postgres};
use specc_sql::quote;
use std::time::Duration;

/// How to reset.
#[derive(Clone, Debug, Default)]
pub struct ResetOptions {
    /// The name of the production database that may be reset.
    pub allow_production_reset: Option<String>,
    /// Why the project says that this is production, if it does.
    pub production: Option<Production>,
    /// How long to wait for another runner.
    pub wait: Duration,
}

/// Drops everything that is the project's, in one transaction, and forgets what was applied. Returns what was dropped.
///
/// # Errors
/// Production that is not named, a role that owns more than the project, or the server's refusal; then nothing is gone.
pub fn reset(session: &mut Session, options: &ResetOptions, tell: Tell<'_>) -> Result<Vec<String>, Error> {
    let name: String = session.query_one("select current_database()::text", &[])?.get(0);
    run::writable(session)?;
    let production = guard::production(session)?.or_else(|| options.production.clone());
    let named = options.allow_production_reset.as_ref();
    if let Some(other) = named.filter(|other| **other != name) {
        return Err(Refused::new(format!("this database is `{name}`, not `{other}`"))
            .help("nothing was changed; look where --database-url leads")
            .into());
    }
    let flag = format!("specc reset --allow-production-reset {name}");
    guard::check(production.as_ref(), named.is_some(), "dropping everything in it", &flag)?;
    run::settle(session, Duration::from_secs(10), false)?;
    lock::take(session, options.wait, tell)?;
    let done = drop_project(session);
    if done.is_err() {
        let _ = session.batch_execute("rollback");
    }
    let _ = lock::release(session);
    done
}

/// What there is of the project, as `drop` wants it.
pub(crate) fn drops(session: &mut Session) -> Result<Vec<String>, Error> {
    let platform: bool = session
        .query_one(
            "select exists (select from pg_namespace n join pg_roles r on r.oid = n.nspowner \
               where n.nspname = 'auth' and r.rolname = 'supabase_auth_admin') \
             and (select rolsuper from pg_roles where rolname = current_user)",
            &[],
        )?
        .get(0);
    if platform {
        return Err(Refused::new(
            "a superuser owns the platform as well as the project, so what belongs to the project is unknown",
        )
        .help("connect as `postgres`, which owns the project's objects")
        .into());
    }
    let rows = session.query(DROPS, &[])?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn drop_project(session: &mut Session) -> Result<Vec<String>, Error> {
    session.batch_execute("begin")?;
    let drops = drops(session)?;
    for drop in &drops {
        // One may have gone with another.
        session.batch_execute(drop).map_err(|error| refused(drop, &error))?;
    }
    if journal::exists(session)? {
        session.batch_execute("delete from specc.migrations")?;
    }
    if history::exists(session)? {
        session.batch_execute("delete from supabase_migrations.schema_migrations")?;
    }
    session.batch_execute("commit")?;
    session.take_notices();
    Ok(drops)
}

fn refused(drop: &str, error: &postgres::Error) -> Error {
    let said = crate::ServerError::of(error);
    if said.is_lost() {
        return Error::Connection(said.to_string());
    }
    Refused::new(format!("cannot {drop}: {said}")).help("nothing was dropped: it is one transaction").into()
}

/// Runs the rows of an environment, in one transaction.
///
/// # Errors
/// What the server refuses.
pub fn seed(session: &mut Session, path: &str, text: &str, tell: Tell<'_>) -> Result<(), Error> {
    let script = Script::read(text).map_err(|error| Refused::new(format!("{path} cannot be run: {error}")))?;
    if !script.transaction {
        return Err(Refused::new(format!(
            "{path} has a statement that runs in no transaction, and rows are added in one"
        ))
        .help("put it into a migration")
        .into());
    }
    // Without the `begin` and `commit` that it may be wrapped in, and with its lines where they were.
    let (Some(first), Some(last)) = (script.steps.first(), script.steps.last()) else {
        return Ok(());
    };
    let text = "\n".repeat(first.line - 1) + &text[first.start..last.start + last.text.len()];
    run::settle(session, Duration::from_secs(10), false)?;
    session.batch_execute("begin")?;
    match load_sql(session, &text) {
        Ok(notices) => {
            session.batch_execute("commit")?;
            notices
                .into_iter()
                .filter(specc_postgres::Notice::is_warning)
                .for_each(|n| tell(Event::Warning(n.message)));
            Ok(())
        }
        Err(error) => {
            let _ = session.batch_execute("rollback");
            Err(Refused::new(format!("{path}: {error}"))
                .help("none of its rows was kept: it is one transaction")
                .into())
        }
    }
}

/// Quoted for a statement of our own.
pub(crate) fn table(schema: &str, name: &str) -> String {
    quote::qualified(schema, name)
}

/// Whole schemas first, then objects in shared ones, then what hangs on tables of others. The journal and the history stay.
const DROPS: &str = "\
with me as (select oid, rolname from pg_roles where rolname = current_user),
spaces as (
  select n.oid, n.nspname,
    n.nspowner = me.oid and n.nspname <> 'public' as own,
    exists (select from pg_depend e where e.refclassid = 'pg_namespace'::regclass and e.refobjid = n.oid
      and e.classid = 'pg_extension'::regclass)
    or exists (select from pg_depend d join pg_depend e on e.classid = d.classid and e.objid = d.objid and e.deptype = 'e'
      where d.refclassid = 'pg_namespace'::regclass and d.refobjid = n.oid) as has_extension
  from pg_namespace n cross join me
  where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'specc', 'specc_restore', 'supabase_migrations')
    and not exists (select from pg_depend e where e.classid = 'pg_namespace'::regclass and e.objid = n.oid and e.deptype = 'e')
),
owners (classid, objid, owner) as (
  select 'pg_class'::regclass, oid, relowner from pg_class
  union all select 'pg_proc'::regclass, oid, proowner from pg_proc
  union all select 'pg_type'::regclass, oid, typowner from pg_type
  union all select 'pg_operator'::regclass, oid, oprowner from pg_operator
  union all select 'pg_opclass'::regclass, oid, opcowner from pg_opclass
  union all select 'pg_opfamily'::regclass, oid, opfowner from pg_opfamily
  union all select 'pg_collation'::regclass, oid, collowner from pg_collation
  union all select 'pg_conversion'::regclass, oid, conowner from pg_conversion
  union all select 'pg_statistic_ext'::regclass, oid, stxowner from pg_statistic_ext
  union all select 'pg_ts_config'::regclass, oid, cfgowner from pg_ts_config
  union all select 'pg_ts_dict'::regclass, oid, dictowner from pg_ts_dict
),
objects as (
  select d.classid, d.objid from spaces s
    join pg_depend d on d.refclassid = 'pg_namespace'::regclass and d.refobjid = s.oid and d.deptype = 'n'
    join owners o on o.classid = d.classid and o.objid = d.objid
    cross join me
  where not (s.own and not s.has_extension) and o.owner = me.oid
    and not exists (select from pg_depend e where e.classid = d.classid and e.objid = d.objid and e.deptype in ('e', 'i')
      -- A partitioned table hangs on its own columns.
      and e.refobjid <> e.objid)
)
select text from (
  select 1 as place, nspname::text as name, format('drop schema if exists %I cascade', nspname) as text
  from spaces where own and not has_extension
  union all
  select case i.type when 'table' then 2 when 'view' then 2 else 3 end, i.identity,
    format('drop %s if exists %s cascade', replace(i.type, 'statistics object', 'statistics'), i.identity)
  from objects cross join pg_identify_object(classid, objid, 0) i
  union all
  select 4, p.polname::text, format('drop policy if exists %I on %s', p.polname, p.polrelid::regclass)
  from pg_policy p join pg_class c on c.oid = p.polrelid cross join me
  where c.relowner <> me.oid
    and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
  union all
  select 5, p.pubname::text, format('drop publication if exists %I', p.pubname)
  from pg_publication p cross join me
  where p.pubowner = me.oid and p.pubname <> 'supabase_realtime'
) all_of_it order by place, name";
