//! Who may do what with the objects of a database, and the default privileges that add to it what nobody said.

use crate::Error;
use serde::{Deserialize, Serialize};
use specc_postgres::{Session, postgres};
use std::fmt;

/// A right that somebody else than the owner has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Right {
    /// The schema.
    pub schema: String,
    /// A relation, `relation.column`, or a function with the types that it takes.
    pub object: String,
    /// What; with a `*` where it may be passed on.
    pub privilege: String,
    /// Who; empty for everyone.
    pub grantee: String,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grantee = if self.grantee.is_empty() { "everyone" } else { &self.grantee };
        write!(f, "{} on {}.{} for {grantee}", self.privilege.to_lowercase(), self.schema, self.object)
    }
}

/// All rights on relations, their columns and functions, but for those of extensions. What an object says nothing of is as
/// Postgres gives it.
pub(crate) fn all(session: &mut Session, without: &[String]) -> Result<Vec<Right>, postgres::Error> {
    let rows = session.query(
        "with objects (space, class, id, object, owner, acl) as (
           select relnamespace, 'pg_class'::regclass, oid, relname::text, relowner,
             coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::\"char\", relowner))
           from pg_class where relkind in ('r', 'p', 'v', 'm', 'S', 'f') and relpersistence <> 't'
           union all
           select c.relnamespace, 'pg_class'::regclass, c.oid, c.relname || '.' || a.attname, c.relowner, a.attacl
           from pg_class c join pg_attribute a on a.attrelid = c.oid
           where a.attacl is not null and a.attnum > 0 and not a.attisdropped
           union all
           select pronamespace, 'pg_proc'::regclass, oid,
             -- Types with their schemas: what is shown otherwise depends on the search path.
             format('%s(%s)', proname, (
               select string_agg(
                 case tn.nspname when 'pg_catalog' then t.typname::text else format('%s.%s', tn.nspname, t.typname) end,
                 ', ' order by a.nth)
               from unnest(proargtypes) with ordinality a (type, nth)
                 join pg_type t on t.oid = a.type join pg_namespace tn on tn.oid = t.typnamespace)), proowner,
             coalesce(proacl, acldefault('f', proowner))
           from pg_proc
         )
         select n.nspname::text, o.object, x.privilege_type || case when x.is_grantable then '*' else '' end,
           coalesce(r.rolname::text, '')
         from objects o join pg_namespace n on n.oid = o.space
           cross join lateral aclexplode(o.acl) x left join pg_roles r on r.oid = x.grantee
         where x.grantee <> o.owner and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and n.nspname <> all ($1)
           and not exists (select from pg_depend d where d.classid = o.class and d.objid = o.id and d.deptype = 'e')
         order by 1, 2, 3, 4",
        &[&without],
    )?;
    let right = |row: &postgres::Row| Right {
        schema: row.get(0),
        object: row.get(1),
        privilege: row.get(2),
        grantee: row.get(3),
    };
    Ok(rows.iter().map(right).collect())
}

/// Default privileges of who is connected, withdrawn for a while: what is made meanwhile gets what is said of it and
/// nothing else.
pub(crate) struct Withdrawn {
    /// What withdraws them.
    pub away: Vec<String>,
    /// What gives them back.
    pub back: Vec<String>,
}

impl Withdrawn {
    /// What there is to withdraw.
    pub fn new(session: &mut Session) -> Result<Self, Error> {
        // In a schema they add to what there is; else they take the place of Postgres's own.
        let rows = session.query(
            "with me as (select oid from pg_roles where rolname = current_user),
               said as (select d.* from pg_default_acl d join me on me.oid = d.defaclrole),
               is_so as (
                 select defaclnamespace, defaclobjtype, x.grantee, x.privilege_type, x.is_grantable
                 from said cross join lateral aclexplode(defaclacl) x
               ),
               usual as (
                 select defaclnamespace, defaclobjtype, x.grantee, x.privilege_type, x.is_grantable
                 from said cross join me
                   cross join lateral aclexplode(acldefault(case defaclobjtype when 'S' then 's' else defaclobjtype end, me.oid)) x
                 where defaclnamespace = 0
               ),
               differs as (
                 select true as given, * from (select * from is_so except select * from usual) more
                 union all
                 select false, * from (select * from usual except select * from is_so) less
               )
             select d.given, 'alter default privileges' || coalesce(format(' in schema %I', n.nspname), ''),
               format('%s on %s', d.privilege_type, case d.defaclobjtype
                 when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types'
                 when 'n' then 'schemas' else 'large objects' end),
               coalesce(format('%I', r.rolname), 'public'), case when d.is_grantable then ' with grant option' else '' end
             from differs d left join pg_namespace n on n.oid = d.defaclnamespace left join pg_roles r on r.oid = d.grantee
             order by d.given desc, 2, 3, 4",
            &[],
        )?;
        let (mut away, mut back) = (Vec::new(), Vec::new());
        for row in &rows {
            let (given, head, what, who, option): (bool, String, String, String, String) =
                (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4));
            let grant = format!("{head} grant {what} to {who}{option}");
            let revoke = format!("{head} revoke {what} from {who}");
            let (first, then) = if given { (revoke, grant) } else { (grant, revoke) };
            away.push(first);
            back.push(then);
        }
        Ok(Self { away, back })
    }
}

/// Takes from a new relation, and from the sequences that it owns, all that default privileges gave to others.
pub(crate) fn close(session: &mut Session, table: &str) -> Result<(), Error> {
    let rows = session.query(
        "select distinct format('revoke all on %s %s from %s', case c.relkind when 'S' then 'sequence' else 'table' end,
           c.oid::regclass, coalesce(format('%I', r.rolname), 'public'))
         from pg_class c cross join lateral aclexplode(c.relacl) x left join pg_roles r on r.oid = x.grantee
         where x.grantee <> c.relowner and (c.oid = to_regclass($1) or c.relkind = 'S' and exists (
           select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
             and d.refclassid = 'pg_class'::regclass and d.refobjid = to_regclass($1) and d.deptype in ('a', 'i')))",
        &[&table],
    )?;
    for row in &rows {
        session.batch_execute(row.get(0))?;
    }
    Ok(())
}
