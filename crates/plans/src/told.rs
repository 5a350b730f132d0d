//! Statistics as `ANALYZE` would write them, written in its place.
//!
//! Values are made into texts by the owner, who is no superuser, since they may be expressions of the author's; a superuser then
//! writes them as rows of `pg_statistic`, and has only types of Postgres's own read them.

use crate::said;
use smol_str::SmolStr;
use specc_catalog::{Catalog, Object, Qualified};
use specc_postgres::{Database, Session};
use specc_size::statistics::{Statistics, TARGET, statistics};
use specc_size::{Column, Edge, Sizes, Table};
use specc_sql::quote::{literal, qualified};
use specc_verify::ScratchError;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A table as the planner is to see it.
#[derive(Clone, Debug)]
pub struct Told<'s> {
    /// Its name; a partition has its own.
    pub name: Qualified,
    /// Rows in it.
    pub rows: u64,
    /// What is in it.
    pub table: &'s Table,
    /// It is divided, and has no rows of its own.
    pub divided: bool,
}

/// The parts of a histogram.
const PARTS: u64 = 100;

/// Writes statistics of all tables.
///
/// # Errors
/// Where the server breaks.
pub fn tell<'s>(database: &Database, catalog: &Catalog, sizes: &'s Sizes) -> Result<Vec<Told<'s>>, ScratchError> {
    let told = tables(catalog, sizes);
    let mut owner = database.connect()?;
    let mut above = database.connect_superuser()?;
    let edges = edges(&mut owner, sizes)?;
    let mut rows = Vec::new();
    for one in told.iter().filter(|one| one.rows > 0) {
        for column in &one.table.columns {
            let found = statistics(column, one.rows.max(1));
            rows.push(row(sizes, one, column, &found, &edges));
        }
    }
    let mut text = String::from("begin; set local allow_system_table_mods = on;\n");
    for part in rows.chunks(500) {
        let _ = writeln!(text, "{INSERT} (values {}) as v{AS} {JOINS};", part.join(",\n"));
    }
    text.push_str("commit;");
    above.batch_execute(&text).map_err(|error| said(&error))?;
    Ok(told)
}

/// Tables with their rows; those of a divided table are shared out among its parts, the default one aside.
fn tables<'s>(catalog: &Catalog, sizes: &'s Sizes) -> Vec<Told<'s>> {
    let mut parts: BTreeMap<Qualified, Vec<(Qualified, bool)>> = BTreeMap::new();
    for (_, entry) in catalog.iter() {
        let Object::Table(table) = &entry.object else { continue };
        if let Some((of, bounds)) = &table.partition_of {
            let rest = matches!(bounds, specc_catalog::Bounds::Default);
            let name = Qualified::new(table.table.schema.clone(), table.table.name.clone());
            parts.entry(Qualified::new(of.schema.clone(), of.name.clone())).or_default().push((name, rest));
        }
    }
    let mut told = Vec::new();
    for (name, table) in &sizes.tables {
        share(&parts, table, name, table.rows, &mut told);
    }
    told
}

fn share<'s>(
    parts: &BTreeMap<Qualified, Vec<(Qualified, bool)>>,
    table: &'s Table,
    name: &Qualified,
    rows: u64,
    told: &mut Vec<Told<'s>>,
) {
    let own = parts.get(name);
    told.push(Told { name: name.clone(), rows, table, divided: own.is_some() });
    let Some(own) = own else { return };
    let count = own.iter().filter(|(_, rest)| !rest).count().max(1) as u64;
    for (part, rest) in own {
        let rows = if *rest && count < own.len() as u64 { 0 } else { rows / count };
        share(parts, table, part, rows, told);
    }
}

/// The edges of ranges that are expressions, by the bounds and the type.
type Edges = BTreeMap<(SmolStr, SmolStr, String), Vec<String>>;

fn edges(owner: &mut Session, sizes: &Sizes) -> Result<Edges, ScratchError> {
    let mut edges = Edges::new();
    let columns = sizes.tables.values().flat_map(|table| &table.columns);
    for column in columns {
        let specc_size::Values::Between { low, high } = &column.values else { continue };
        let mut ty = String::new();
        specc_sql::push_type(&mut ty, &column.ty);
        let key = (low.clone(), high.clone(), ty.clone());
        if edges.contains_key(&key) {
            continue;
        }
        let number = specc_facts_number(&column.ty);
        let value = if number {
            format!("(a::numeric + (b::numeric - a::numeric) * n / {PARTS})")
        } else {
            format!("(a::timestamptz + (b::timestamptz - a::timestamptz) * n / {PARTS})")
        };
        let whole = format!(
            "select array_agg(({value})::{ty}::text order by n) from (select ({low})::{ty} as a, ({high})::{ty} as b) as ends, \
             generate_series(0, {PARTS}) as n"
        );
        // What cannot be spread has no histogram.
        let found: Option<Vec<String>> = owner.query_one(&whole, &[]).ok().and_then(|row| row.get(0));
        edges.insert(key, found.unwrap_or_default());
    }
    Ok(edges)
}

fn specc_facts_number(ty: &specc_catalog::DataType) -> bool {
    ty.schema.is_empty() && specc_size::is_number(&ty.name)
}

/// A row of what is inserted.
fn row(sizes: &Sizes, one: &Told<'_>, column: &Column, found: &Statistics, edges: &Edges) -> String {
    let text = |edge: Option<Edge>| -> Option<String> {
        match edge? {
            Edge::Text(text) => Some(text.to_string()),
            Edge::Part(part) => {
                let specc_size::Values::Between { low, high } = &column.values else { return None };
                let mut ty = String::new();
                specc_sql::push_type(&mut ty, &column.ty);
                let all = edges.get(&(low.clone(), high.clone(), ty))?;
                all.get((part * PARTS as f64).round() as usize).cloned()
            }
        }
    };
    let of = &one.table.name;
    let common: Vec<Option<String>> =
        (1..=found.common.len() as u64).map(|rank| text(sizes.value(of, &column.name, rank))).collect();
    let known: Option<Vec<String>> = common.into_iter().collect();
    let known = known.filter(|values| distinct(values)).unwrap_or_default();
    let frequencies = &found.common[..known.len()];
    let bounds: Vec<Option<String>> =
        (0..=PARTS).map(|nth| text(sizes.edge(of, &column.name, nth as f64 / PARTS as f64))).collect();
    let bounds: Option<Vec<String>> = bounds.into_iter().collect();
    let mut bounds = bounds.filter(|_| found.histogram).unwrap_or_default();
    bounds.dedup();
    if bounds.len() < 2 {
        bounds.clear();
    }
    let list = |values: &[String]| match values {
        [] => "null::text".to_owned(),
        values => literal(&array(values)),
    };
    let numbers = match frequencies {
        [] => "null::real[]".to_owned(),
        list => {
            let list: Vec<String> = list.iter().map(f64::to_string).collect();
            format!("'{{{}}}'::real[]", list.join(","))
        }
    };
    let correlation = found.correlation.map_or("null::real".to_owned(), |value| format!("{value}::real"));
    debug_assert!(found.common.len() as u64 <= TARGET);
    format!(
        "({}::regclass, {}, {}, {}::real, {}::int, {}::real, {}, {numbers}, {}, {correlation})",
        literal(&qualified(&one.name.schema, &one.name.name)),
        literal(&column.name),
        one.divided,
        found.nulls,
        found.width,
        found.distinct,
        list(&known),
        list(&bounds),
    )
}

fn distinct(values: &[String]) -> bool {
    let mut all: Vec<&String> = values.iter().collect();
    all.sort();
    all.windows(2).all(|pair| pair[0] != pair[1])
}

/// As Postgres reads an array.
fn array(values: &[String]) -> String {
    let one = |value: &String| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    format!("{{{}}}", values.iter().map(one).collect::<Vec<_>>().join(","))
}

const AS: &str = " (relation, name, inherited, nulls, width, distincts, common, frequencies, bounds, correlation)";

/// Kinds of statistics: 1 the most common values, 2 a histogram, 3 the correlation. Their operators are those of the type's
/// default class of btree operators, as `ANALYZE` takes them.
const INSERT: &str =
    "insert into pg_catalog.pg_statistic (starelid, staattnum, stainherit, stanullfrac, stawidth, stadistinct, \
    stakind1, stakind2, stakind3, stakind4, stakind5, staop1, staop2, staop3, staop4, staop5, \
    stacoll1, stacoll2, stacoll3, stacoll4, stacoll5, stanumbers1, stanumbers3, stavalues1, stavalues2)
  select v.relation, a.attnum, v.inherited, v.nulls, v.width, v.distincts,
    case when v.common is not null and o.eq is not null then 1 else 0 end,
    case when v.bounds is not null and o.lt is not null then 2 else 0 end,
    case when v.correlation is not null and o.lt is not null then 3 else 0 end, 0, 0,
    case when v.common is not null then coalesce(o.eq, 0) else 0 end,
    case when v.bounds is not null then coalesce(o.lt, 0) else 0 end,
    case when v.correlation is not null then coalesce(o.lt, 0) else 0 end, 0, 0,
    case when v.common is not null and o.eq is not null then a.attcollation else 0 end,
    case when v.bounds is not null and o.lt is not null then a.attcollation else 0 end,
    case when v.correlation is not null and o.lt is not null then a.attcollation else 0 end, 0, 0,
    case when o.eq is not null then v.frequencies end,
    case when v.correlation is not null and o.lt is not null then array[v.correlation] end,
    case when v.common is not null and o.eq is not null then array_in(textout(v.common), o.base, -1) end,
    case when v.bounds is not null and o.lt is not null then array_in(textout(v.bounds), o.base, -1) end
  from";

const JOINS: &str = "join pg_catalog.pg_attribute a on a.attrelid = v.relation and a.attname = v.name and not a.attisdropped
  join pg_catalog.pg_type t on t.oid = a.atttypid
  left join lateral (
    with recursive up (oid, base) as (
      select t.oid, t.typbasetype union all select p.oid, p.typbasetype from up join pg_catalog.pg_type p on p.oid = up.base
    )
    select b.oid as base, max(m.amopopr) filter (where m.amopstrategy = 3) as eq, max(m.amopopr) filter (where m.amopstrategy = 1) as lt
    from up join pg_catalog.pg_type b on b.oid = up.oid
    join pg_catalog.pg_opclass c on c.opcdefault and c.opcmethod = 403 and c.opcintype =
      case when b.typtype = 'e' then 3500 when b.oid = 1043 then 25 else b.oid end
    join pg_catalog.pg_amop m on m.amopfamily = c.opcfamily and m.amoplefttype = c.opcintype and m.amoprighttype = c.opcintype
    where up.base = 0 and (b.typnamespace = 'pg_catalog'::regnamespace or b.typtype = 'e')
    group by b.oid
  ) o on true";
