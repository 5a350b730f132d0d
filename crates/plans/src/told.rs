//! Statistics as `ANALYZE` would write them, written in its place.
//!
//! Values are made into texts by the owner, who is no superuser, since they may be expressions of the author's; a superuser then
//! writes them as rows of `pg_statistic`, and has only types of Postgres's own read them.

use crate::{asked, owner, said};
use smol_str::SmolStr;
use specc_catalog::{Bounds, Catalog, IndexKey, KeyOn, Object, PartitionBy, Qualified};
use specc_postgres::{Database, Session};
use specc_size::statistics::{Statistics, statistics};
use specc_size::{Column, Edge, Sizes, Table, Values};
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
    /// It is a part of one that is.
    pub part: bool,
}

/// The parts of a histogram.
const PARTS: u64 = 100;

/// Writes statistics of all tables.
///
/// # Errors
/// Where the server breaks.
pub fn tell<'s>(database: &Database, catalog: &Catalog, sizes: &'s Sizes) -> Result<Vec<Told<'s>>, ScratchError> {
    let mut owner = owner(database)?;
    let told = tables(catalog, sizes, &mut owner)?;
    let mut above = database.connect_superuser()?;
    let edges = edges(&mut owner, sizes)?;
    let mut rows = Vec::new();
    for one in told.iter().filter(|one| one.rows > 0) {
        for column in &one.table.columns {
            let rows_there = one.rows.max(1);
            let found = match one.part {
                true => statistics(&column.of_part(), rows_there),
                false => statistics(column, rows_there),
            };
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

/// A partition: its name, and its part of the rows.
type Part = (Qualified, f64);

/// Tables with their rows; those of a divided table are shared out among its parts.
fn tables<'s>(catalog: &Catalog, sizes: &'s Sizes, owner: &mut Session) -> Result<Vec<Told<'s>>, ScratchError> {
    let mut bounds: BTreeMap<Qualified, Vec<(Qualified, &Bounds)>> = BTreeMap::new();
    let mut keys: BTreeMap<Qualified, &str> = BTreeMap::new();
    for (_, entry) in catalog.iter() {
        let Object::Table(table) = &entry.object else { continue };
        let name = Qualified::new(table.table.schema.clone(), table.table.name.clone());
        if let Some(PartitionBy { keys: list, .. }) = &table.partition_by
            && let [IndexKey { on: KeyOn::Column(column), .. }] = list.as_slice()
        {
            keys.insert(name.clone(), column);
        }
        if let Some((of, part)) = &table.partition_of {
            bounds.entry(Qualified::new(of.schema.clone(), of.name.clone())).or_default().push((name, part));
        }
    }
    let mut told = Vec::new();
    for (name, table) in &sizes.tables {
        let mut open = vec![(name.clone(), table.rows, false)];
        while let Some((name, rows, part)) = open.pop() {
            let own = bounds.get(&name);
            told.push(Told { name: name.clone(), rows, table, divided: own.is_some(), part });
            let Some(own) = own else { continue };
            let column = keys.get(&name).and_then(|key| table.column(key));
            for (part, share) in shares(own, column, owner)? {
                open.push((part, (rows as f64 * share).round() as u64, true));
            }
        }
    }
    Ok(told)
}

/// How rows are shared out: by the bounds where they lie in the range of the values, else evenly; what is left is in the default
/// partition.
fn shares(
    parts: &[(Qualified, &Bounds)],
    column: Option<&Column>,
    owner: &mut Session,
) -> Result<Vec<Part>, ScratchError> {
    let known = match column.map(|column| (column, &column.values)) {
        Some((column, Values::Between { low, high })) => by_bounds(parts, column, low, high, owner)?,
        _ => None,
    };
    let count = parts.iter().filter(|(_, bounds)| **bounds != Bounds::Default).count().max(1);
    let shares = known.unwrap_or_else(|| vec![1.0 / count as f64; parts.len()]);
    let bounded = parts.iter().zip(&shares).filter(|((_, bounds), _)| **bounds != Bounds::Default);
    let rest = (1.0 - bounded.map(|(_, share)| share).sum::<f64>()).max(0.0);
    let share = |((name, bounds), share): (&(Qualified, &Bounds), &f64)| match bounds {
        Bounds::Default => (name.clone(), rest),
        _ => (name.clone(), *share),
    };
    Ok(parts.iter().zip(&shares).map(share).collect())
}

/// The part of a range that lies between the bounds of each partition.
fn by_bounds(
    parts: &[(Qualified, &Bounds)],
    column: &Column,
    low: &str,
    high: &str,
    owner: &mut Session,
) -> Result<Option<Vec<f64>>, ScratchError> {
    let number = is_number(&column.ty);
    let value = |text: &str| match number {
        true => format!("({text})::numeric::float8"),
        false => format!("extract(epoch from ({text})::timestamptz)::float8"),
    };
    // Texts of moments are quoted; the words for no bound are not.
    let bound = |text: &str, open: &str| match text.to_lowercase().as_str() {
        "minvalue" | "maxvalue" => open.to_owned(),
        _ => value(text),
    };
    let one = |(_, bounds): &(Qualified, &Bounds)| match bounds {
        Bounds::Range { from, to } => {
            let (from, to) = (bound(&from.first()?.text, "'-infinity'"), bound(&to.first()?.text, "'infinity'"));
            Some(format!("greatest(least({to}, b) - greatest({from}, a), 0) / nullif(b - a, 0)"))
        }
        _ => Some("0".to_owned()),
    };
    let Some(list) = parts.iter().map(one).collect::<Option<Vec<String>>>() else { return Ok(None) };
    let query = format!(
        "select array[{}]::float8[] from (select {} as a, {} as b) as ends",
        list.join(", "),
        value(low),
        value(high)
    );
    let row = asked(owner.query_one(&query, &[]), || format!("`{low}` or `{high}`, the bounds of `{}`,", column.name))?;
    Ok(row.and_then(|row| row.get(0)))
}

/// The edges of ranges that are expressions, by the bounds and the type.
type Edges = BTreeMap<(SmolStr, SmolStr, String), Vec<String>>;

fn edges(owner: &mut Session, sizes: &Sizes) -> Result<Edges, ScratchError> {
    let mut edges = Edges::new();
    let columns = sizes.tables.values().flat_map(|table| &table.columns);
    for column in columns {
        let Values::Between { low, high } = &column.values else { continue };
        let mut ty = String::new();
        specc_sql::push_type(&mut ty, &column.ty);
        let key = (low.clone(), high.clone(), ty.clone());
        if edges.contains_key(&key) {
            continue;
        }
        let number = is_number(&column.ty);
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
        let row =
            asked(owner.query_one(&whole, &[]), || format!("`{low}` or `{high}`, the bounds of `{}`,", column.name))?;
        let found: Option<Vec<String>> = row.and_then(|row| row.get(0));
        edges.insert(key, found.unwrap_or_default());
    }
    Ok(edges)
}

fn is_number(ty: &specc_catalog::DataType) -> bool {
    ty.schema.is_empty() && specc_size::is_number(&ty.name)
}

/// A row of what is inserted.
fn row(sizes: &Sizes, one: &Told<'_>, column: &Column, found: &Statistics, edges: &Edges) -> String {
    let text = |edge: Option<Edge>| -> Option<String> {
        match edge? {
            Edge::Text(text) => Some(text.to_string()),
            Edge::Part(part) => {
                let Values::Between { low, high } = &column.values else { return None };
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
    debug_assert!(found.common.len() as u64 <= column.target);
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
