//! What a database has beside its objects and rows: where sequences stand, roles, settings, what is not filled yet.

use crate::sums::{Sums, sums};
use specc_catalog::{Catalog, Object};
use specc_facts::Volatility;
use specc_postgres::Session;
use specc_postgres::postgres;
use specc_sql::quote::{ident, literal, qualified};
use std::collections::{BTreeMap, BTreeSet};

/// All of it at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside {
    /// By `schema.name`.
    pub sequences: BTreeMap<String, Sequence>,
    /// The columns of each table in their order.
    pub columns: BTreeMap<String, String>,
    /// Roles and their attributes, settings, materialized views without rows: what it is about, and how it is.
    pub rest: BTreeMap<String, String>,
}

/// Where a sequence stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sequence {
    oid: u32,
    /// The table and the column that it belongs to.
    owner: Option<(String, String)>,
    /// The highest value that this column has, as a query.
    highest: Option<String>,
    /// By how much it goes on.
    step: i64,
    last: i64,
    is_called: bool,
}

impl Sequence {
    /// Whether it went on from there as it may: by one value that somebody asked for, or as far as the rows of its table go;
    /// where it has none, no further than there are more rows than these.
    fn counts(&self, was: &Self, session: &mut Session, rows: Option<&Sums>) -> Result<bool, postgres::Error> {
        let next = if was.is_called { was.last.saturating_add(self.step) } else { was.last };
        if self.is_called && self.last == next {
            return Ok(true);
        }
        let Some(highest) = &self.highest else {
            let Some(rows) = rows else { return Ok(false) };
            let now = sums(session, |_, column| column.is_some())?;
            let gained = now.iter().map(|(table, now)| (now.0 - rows.get(table).map_or(0, |was| was.0)).max(0)).sum();
            let taken = self.last.saturating_sub(was.last).checked_div(self.step).unwrap_or_default();
            return Ok((0..=gained).contains(&taken));
        };
        let highest: Option<i64> = session.query_one(highest, &[])?.get(0);
        Ok(highest.is_some_and(|highest| self.last <= highest))
    }

    fn words(&self) -> String {
        format!("{} ({})", self.last, if self.is_called { "taken" } else { "not taken yet" })
    }
}

const SEQUENCES: &str = "\
select n.nspname::text, c.relname::text, c.oid, tn.nspname::text, t.relname::text, a.attname::text, s.seqincrement \
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
join pg_catalog.pg_sequence s on s.seqrelid = c.oid \
left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid \
  and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.deptype in ('a', 'i') and d.refobjsubid > 0 \
left join pg_catalog.pg_class t on t.oid = d.refobjid left join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace \
left join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid \
where c.relkind = 'S' and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' \
  and case when c.relkind = 'S' then pg_catalog.has_sequence_privilege(c.oid, 'select') end";

const COLUMNS: &str = "\
select n.nspname::text || '.' || c.relname::text, string_agg(a.attname::text, ', ' order by a.attnum) \
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
where c.relkind in ('r', 'p') and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' \
group by 1";

const REST: &str = "\
select 'role ' || r.rolname, pg_catalog.concat_ws(' ', \
    case when r.rolsuper then 'superuser' end, case when r.rolinherit then 'inherit' end, \
    case when r.rolcreaterole then 'createrole' end, case when r.rolcreatedb then 'createdb' end, \
    case when r.rolcanlogin then 'login' end, case when r.rolreplication then 'replication' end, \
    case when r.rolbypassrls then 'bypassrls' end, 'connection limit ' || r.rolconnlimit, \
    'valid until ' || r.rolvaliduntil::text, \
    'member of ' || (select string_agg(g.rolname::text || case when m.admin_option then ' with admin option' else '' end, \
      ', ' order by g.rolname) from pg_catalog.pg_auth_members m join pg_catalog.pg_roles g on g.oid = m.roleid \
      where m.member = r.oid)) \
from pg_catalog.pg_roles r where r.rolname = any($1) \
union all \
select 'setting ' || pg_catalog.split_part(c.setting, '=', 1) || ' of ' \
    || coalesce('role ' || r.rolname, 'everyone') || case when s.setdatabase = 0 then '' else ' in the database' end, \
  pg_catalog.substr(c.setting, pg_catalog.strpos(c.setting, '=') + 1) \
from pg_catalog.pg_db_role_setting s cross join unnest(s.setconfig) c(setting) \
left join pg_catalog.pg_roles r on r.oid = s.setrole \
where s.setdatabase = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()) \
  or s.setdatabase = 0 and r.rolname = any($1) \
union all \
select 'materialized view ' || n.nspname || '.' || c.relname, 'without data' \
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
where c.relkind = 'm' and not c.relispopulated and n.nspname !~ '^pg_'";

impl Beside {
    /// Reads it, with these roles.
    ///
    /// # Errors
    /// Where the server refuses a query.
    pub fn read(session: &mut Session, roles: &[String]) -> Result<Self, postgres::Error> {
        let mut found = Self::default();
        let rows = session.query(SEQUENCES, &[])?;
        for chunk in rows.chunks(50) {
            let of = |row: &postgres::Row| {
                let (schema, name): (&str, &str) = (row.get(0), row.get(1));
                let named = literal(&format!("{schema}.{name}"));
                format!("select {named}::text, last_value, is_called from {}", qualified(schema, name))
            };
            let query: Vec<String> = chunk.iter().map(of).collect();
            let states = session.query(&query.join("\nunion all\n"), &[])?;
            let states: BTreeMap<String, (i64, bool)> =
                states.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect();
            for row in chunk {
                let name = format!("{}.{}", row.get::<_, &str>(0), row.get::<_, &str>(1));
                let Some(&(last, is_called)) = states.get(&name) else { continue };
                let column = row.get::<_, Option<&str>>(3).zip(row.get::<_, Option<&str>>(4)).zip(row.get(5));
                let owner =
                    column.map(|((schema, table), column): (_, &str)| (format!("{schema}.{table}"), column.into()));
                let highest = column.map(|((schema, table), column)| {
                    format!("select pg_catalog.max({})::int8 from {}", ident(column), qualified(schema, table))
                });
                found
                    .sequences
                    .insert(name, Sequence { oid: row.get(2), owner, highest, step: row.get(6), last, is_called });
            }
        }
        let pair = |row: &postgres::Row| (row.get(0), row.get(1));
        found.columns = session.query(COLUMNS, &[])?.iter().map(pair).collect();
        found.rest = session.query(REST, &[&roles])?.iter().map(pair).collect();
        Ok(found)
    }

    /// Sequences of before that stand elsewhere now and not as far as the rows that they count, in words. Those that belong to
    /// no column may count any rows: those that there are more than before.
    ///
    /// # Errors
    /// Where the server refuses a query.
    pub fn moved(
        &self,
        now: &Self,
        session: &mut Session,
        rows: Option<&Sums>,
    ) -> Result<Vec<String>, postgres::Error> {
        let now: BTreeMap<u32, &Sequence> = now.sequences.values().map(|sequence| (sequence.oid, sequence)).collect();
        let mut moved = Vec::new();
        for (name, was) in &self.sequences {
            let other = |is: &&&Sequence| (is.last, is.is_called) != (was.last, was.is_called);
            if let Some(is) = now.get(&was.oid).filter(other)
                && !is.counts(was, session, rows)?
            {
                moved.push(format!("sequence {name} stood at {}, and stands at {}", was.words(), is.words()));
            }
        }
        Ok(moved)
    }

    /// What is not as it was before, in words. `lost` knows of tables, columns and sequences, `reordered` of tables. Sequences
    /// that stayed are compared with `since`: rows that came and went took values too.
    pub fn changed(
        &self,
        now: &Self,
        since: &Self,
        lost: impl Fn(&str, Option<&str>) -> bool,
        reordered: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        let stayed: BTreeSet<u32> = since.sequences.values().map(|sequence| sequence.oid).collect();
        for (name, was) in &self.sequences {
            let gone = |(table, column): &(String, String)| lost(table, None) || lost(table, Some(column));
            let other =
                |is: &&Sequence| !stayed.contains(&is.oid) && (is.last, is.is_called) != (was.last, was.is_called);
            if !lost(name, None)
                && !was.owner.as_ref().is_some_and(gone)
                && let Some(is) = now.sequences.get(name).filter(other)
            {
                wrong.push(format!("sequence {name} stood at {}, and stands at {}", was.words(), is.words()));
            }
        }
        wrong.extend(self.order(now, reordered));
        let fresh = |what: &&String| what.starts_with("role ") && !self.rest.contains_key(*what);
        wrong.extend(self.rest_of(now, |what| !fresh(&what)));
        wrong
    }

    /// Where columns stand in another order.
    fn order(&self, now: &Self, reordered: impl Fn(&str) -> bool) -> Vec<String> {
        let tables = self.columns.iter().filter(|(table, _)| !reordered(table));
        let other = tables.filter_map(|(table, was)| {
            let is = now.columns.get(table).filter(|is| *is != was)?;
            Some(format!("the columns of {table} stand in the order {is}, not {was}"))
        });
        other.collect()
    }

    fn rest_of(&self, now: &Self, counts: impl Fn(&String) -> bool) -> Vec<String> {
        let all: BTreeSet<&String> = self.rest.keys().chain(now.rest.keys()).collect();
        let differs = all.into_iter().filter(|what| counts(what)).filter_map(|what| {
            match (self.rest.get(what), now.rest.get(what)) {
                (was, is) if was == is => None,
                (None, is) => Some(format!("{what} is there: {}", is?)),
                (was, None) => Some(format!("{what} is missing: {}", was?)),
                (Some(was), Some(is)) => Some(format!("{what} is {is}, not {was}")),
            }
        });
        differs.collect()
    }

    /// Taking this for a database that is made from the spec, what another is not, in words.
    pub fn unlike(&self, now: &Self, reordered: impl Fn(&str) -> bool) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, wanted) in &self.sequences {
            // Rows that came and went took values too. One that nobody took from stands where it began once.
            let behind = |is: &&Sequence| wanted.is_called && (is.last, is.is_called) < (wanted.last, true);
            if let Some(is) = now.sequences.get(name).filter(behind) {
                wrong.push(format!("sequence {name} stands at {}, not {}", is.words(), wanted.words()));
            }
        }
        wrong.extend(self.order(now, reordered));
        // Roles belong to the server: both databases have the same.
        wrong.extend(self.rest_of(now, |_| true));
        wrong
    }
}

/// The rows of the tables that the spec puts rows into, by values that are the same every time.
///
/// # Errors
/// Where the server refuses a query.
pub(crate) fn seeded(session: &mut Session, catalog: &Catalog) -> Result<Sums, postgres::Error> {
    let mut steady: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (_, entry) in catalog.iter() {
        let Object::Seed(seed) = &entry.object else { continue };
        let is_steady = |column: usize| {
            let mut values = seed.rows.iter().filter_map(|row| row.get(column));
            values.all(|value| specc_sql::volatility(&value.text, |_, _| None) == Volatility::Immutable)
        };
        let columns: BTreeSet<&str> = (0..seed.columns.len())
            .filter(|column| is_steady(*column))
            .map(|column| seed.columns[column].as_str())
            .collect();
        let table = format!("{}.{}", seed.table.schema, seed.table.name);
        // Where blocks give different columns, what all give.
        let known = steady.entry(table).or_insert_with(|| columns.clone());
        known.retain(|column| columns.contains(column));
    }
    sums(session, |table, column| match (steady.get(table), column) {
        // Rows of other tables may be somebody's who wrote a migration by hand.
        (None, _) => true,
        (Some(_), None) => false,
        (Some(columns), Some(column)) => !columns.contains(column),
    })
}

/// Roles of the catalogs: what a project may say of them.
pub(crate) fn roles<'a>(catalogs: impl Iterator<Item = &'a Catalog>) -> Vec<String> {
    let names: BTreeSet<String> = catalogs
        .flat_map(|catalog| catalog.iter())
        .filter(|(_, entry)| matches!(entry.object, Object::Role(_)))
        .map(|(id, _)| id.name.to_string())
        .collect();
    names.into_iter().collect()
}
