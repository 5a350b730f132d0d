//! Rows for any tables: of the right types, unique where they must be, and referring to rows that are there.

mod divided;
mod pattern;
mod samples;
mod value;

pub use samples::samples;

use divided::{Divided, array, divided};
use smol_str::SmolStr;
use specc_catalog::{Catalog, Column, DataType, ForeignKey, KeyOn, Object, Rule, Seed, SqlExpr, Table, TableName};
use specc_postgres::Session;
use specc_postgres::postgres;
use specc_sql::quote::{dollar, ident, qualified};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use value::{Candidates, ROW, value};

/// What became of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The table.
    pub table: TableName,
    /// How many rows it has now.
    pub rows: i64,
    /// Why it has none, where it has none.
    pub why: Option<String>,
}

/// What is known of a table that gets rows.
struct Plan<'c> {
    table: &'c Table,
    keys: Vec<&'c ForeignKey>,
    /// Columns of each key, unique constraint, unique index and exclusion.
    unique: Vec<Vec<&'c SmolStr>>,
    /// One of them may be checked at the end of a transaction.
    late: bool,
    checks: Vec<&'c SqlExpr>,
    /// Columns that will take no null.
    required: BTreeSet<&'c SmolStr>,
    /// What types columns of texts will have.
    becomes: BTreeMap<&'c SmolStr, &'c DataType>,
    /// Rows that the spec puts there.
    seeds: Vec<&'c Seed>,
    /// What divides it, now or later, and a value of it for each part.
    divided: Divided<'c>,
    /// Values that the parts of another table begin with, which refers to it by what divides that.
    wanted: Vec<(SmolStr, Vec<&'c SqlExpr>)>,
    /// How many tables come before it whose rows go to the same table later.
    before: usize,
}

/// Fills each table of the catalog that is not in `done` with up to `rows` rows, what others refer to first. Triggers do
/// not fire. Tables that somebody else makes get the rows that references need. What `later` asks of the same tables holds
/// for the rows already: that rows of ours do not fit a new rule says nothing of those of others.
///
/// # Errors
/// Where the connection breaks.
pub fn fill(
    session: &mut Session,
    catalog: &Catalog,
    later: &Catalog,
    rows: usize,
    done: &mut BTreeSet<TableName>,
) -> Result<Vec<Filled>, postgres::Error> {
    let catalog = &*kept_labels(catalog, later);
    let plans = plans(catalog, later);
    let outside: BTreeMap<TableName, BTreeSet<SmolStr>> = plans
        .values()
        .flat_map(|plan| &plan.keys)
        .filter(|key| !plans.contains_key(&key.target))
        .fold(BTreeMap::new(), |mut all, key| {
            all.entry(key.target.clone()).or_insert_with(BTreeSet::new).extend(key.target_columns.iter().cloned());
            all
        });
    // Neither triggers nor the references that we keep ourselves.
    let _ = session.batch_execute("set session_replication_role = replica");
    let mut all = Vec::new();
    for (table, columns) in outside {
        if done.insert(table.clone()) {
            external(session, &table, &columns, rows)?;
        }
    }
    let mut filled = Vec::new();
    for table in order(&plans) {
        if done.insert(table.clone()) {
            let plan = &plans[table];
            if plan.table.partition_of.is_none() {
                all.push(one(session, catalog, plan, rows)?);
                filled.push(plan);
            }
        }
    }
    for plan in filled {
        close(session, plan);
    }
    session.batch_execute("reset session_replication_role")?;
    Ok(all)
}

/// The catalog with those labels of its enums that are there later too.
fn kept_labels<'c>(catalog: &'c Catalog, later: &Catalog) -> Cow<'c, Catalog> {
    let mut kept = Cow::Borrowed(catalog);
    for (id, entry) in catalog.iter() {
        let (Object::Enum(own), Some(Object::Enum(then))) = (&entry.object, later.get(id).map(|then| &then.object))
        else {
            continue;
        };
        let labels: Vec<SmolStr> = own.labels.iter().filter(|label| then.labels.contains(label)).cloned().collect();
        if !labels.is_empty()
            && labels.len() < own.labels.len()
            && let Some(Object::Enum(own)) = kept.to_mut().get_mut(id).map(|entry| &mut entry.object)
        {
            own.labels = labels;
        }
    }
    kept
}

impl Plan<'_> {
    /// The numbers of its rows.
    fn numbers(&self, rows: usize) -> RangeInclusive<usize> {
        self.before * rows + 1..=(self.before + 1) * rows
    }
}

fn plans<'c>(catalog: &'c Catalog, later: &'c Catalog) -> BTreeMap<&'c TableName, Plan<'c>> {
    let mut plans: BTreeMap<&TableName, Plan<'_>> = BTreeMap::new();
    for (_, entry) in catalog.iter() {
        if let Object::Table(table) = &entry.object {
            let plan = Plan {
                table,
                keys: Vec::new(),
                unique: Vec::new(),
                late: false,
                checks: Vec::new(),
                required: BTreeSet::new(),
                becomes: BTreeMap::new(),
                seeds: Vec::new(),
                divided: Vec::new(),
                wanted: Vec::new(),
                before: 0,
            };
            plans.insert(&table.table, plan);
        }
    }
    // Rows that come together in one table later are told apart by what tells them apart now.
    for from in &later.said.froms {
        let mut sources: Vec<&TableName> = from.branches.iter().map(|branch| &branch.table).collect();
        sources.dedup();
        for (nth, source) in sources.into_iter().enumerate() {
            if let Some(plan) = plans.get_mut(source) {
                plan.before = plan.before.max(nth);
            }
        }
    }
    for catalog in [later, catalog] {
        for (table, divided) in divided(catalog) {
            if let Some(plan) = plans.get_mut(table).filter(|plan| plan.divided.is_empty()) {
                plan.divided = divided;
            }
        }
    }
    let mut later_keys = Vec::new();
    let all = catalog.iter().map(|(_, entry)| (entry, true)).chain(later.iter().map(|(_, entry)| (entry, false)));
    for (entry, is_there) in all {
        match &entry.object {
            Object::Table(o) if !is_there => {
                let Some(plan) = plans.get_mut(&o.table) else { continue };
                plan.required.extend(o.columns.iter().filter(|column| !column.nullable).map(|column| &column.name));
                let becomes = o.columns.iter().filter(|column| column.ty.schema.is_empty());
                plan.becomes.extend(becomes.map(|column| (&column.name, &column.ty)));
            }
            Object::Constraint(o) => {
                let Some(plan) = plans.get_mut(&o.table) else { continue };
                plan.late |= o.deferrable && is_there;
                match &o.rule {
                    Rule::PrimaryKey { columns, .. } | Rule::Unique { columns, .. } => {
                        plan.unique.push(columns.iter().collect())
                    }
                    Rule::Check { expr, .. } => plan.checks.push(expr),
                    Rule::ForeignKey(key) if is_there => plan.keys.push(key),
                    // Where the rows that it leads to are there.
                    Rule::ForeignKey(key) => later_keys.push((&o.table, key)),
                    Rule::Exclude { elements, .. } => {
                        plan.unique.push(elements.iter().filter_map(|(key, _)| key.column_name()).collect());
                    }
                }
            }
            Object::Seed(o) if !is_there => {
                if let Some(plan) = plans.get_mut(&o.table) {
                    plan.seeds.push(o);
                }
            }
            Object::Index(o) if o.unique => {
                let Some(plan) = plans.get_mut(&o.table) else { continue };
                let mut columns: Vec<&SmolStr> = Vec::new();
                for key in &o.keys {
                    match &key.on {
                        KeyOn::Column(name) => columns.push(name),
                        // Over an expression: whatever it reads.
                        KeyOn::Expr(expr) => columns.extend(&expr.columns),
                    }
                }
                plan.unique.push(columns);
            }
            _ => {}
        }
    }
    for (table, key) in later_keys {
        let types = |table: &TableName, columns: &[SmolStr]| -> Option<Vec<&DataType>> {
            let own = &plans.get(table)?.table.columns;
            columns.iter().map(|name| own.iter().find(|column| column.name == *name).map(|column| &column.ty)).collect()
        };
        let (from, to) = (types(table, &key.columns), types(&key.target, &key.target_columns));
        let known = plans.get(table).is_some_and(|plan| plan.keys.iter().any(|other| other.columns == key.columns));
        if from.is_some()
            && from == to
            && !known
            && let Some(plan) = plans.get_mut(table)
        {
            plan.keys.push(key);
        }
    }
    // Rows are there that those of a divided table can refer to, each in its part.
    let wanted: Vec<_> = plans.values().flat_map(Plan::wanted_elsewhere).collect();
    for (table, column, values) in wanted {
        if let Some(plan) = plans.get_mut(&table).filter(|plan| !plan.wanted.iter().any(|(own, _)| *own == column)) {
            plan.wanted.push((column, values));
        }
    }
    plans
}

impl Plan<'_> {
    /// Whether a row may refer to nothing.
    fn may_be_empty(&self, key: &ForeignKey) -> bool {
        let nullable = |name: &SmolStr| self.table.columns.iter().any(|column| column.name == *name && column.nullable);
        key.columns.iter().any(nullable)
    }
}

/// References that had to stay empty because they close a circle lead somewhere now. Where the rows do not fit together so,
/// they stay empty.
fn close(session: &mut Session, plan: &Plan<'_>) {
    let name = qualified(&plan.table.table.schema, &plan.table.table.name);
    for key in plan.keys.iter().filter(|key| plan.may_be_empty(key)) {
        let target = qualified(&key.target.schema, &key.target.name);
        let list = |columns: &[SmolStr], of: &str| {
            columns.iter().map(|column| format!("{of}{}", ident(column))).collect::<Vec<_>>().join(", ")
        };
        let empty: Vec<String> = key.columns.iter().map(|column| format!("{} is null", ident(column))).collect();
        let text = format!(
            "update {name} as filler set ({own}) = row({theirs})
from (select ctid as place, tableoid as part, row_number() over () as i from {name}) as g
join (select row_number() over () as n, count(*) over () as total, {columns} from {target}) as k
  on k.n = 1 + (g.i - 1) % k.total
where filler.ctid = g.place and filler.tableoid = g.part and {empty}
  and not exists (select from {name} where not ({empty}))",
            own = list(&key.columns, ""),
            theirs = list(&key.target_columns, "k."),
            columns = list(&key.target_columns, ""),
            empty = empty.join(" and "),
        );
        let _ = session.batch_execute(&text);
    }
}

/// Rows of ours keep clear of those that the spec puts there later.
fn clear(session: &mut Session, plan: &Plan<'_>) {
    let name = qualified(&plan.table.table.schema, &plan.table.table.name);
    for seed in &plan.seeds {
        for set in &plan.unique {
            let places: Option<Vec<usize>> =
                set.iter().map(|column| seed.columns.iter().position(|own| own == *column)).collect();
            let Some(places) = places.filter(|places| !places.is_empty()) else { continue };
            let columns: Vec<_> = set.iter().map(|column| ident(column)).collect();
            for row in &seed.rows {
                let values: Vec<&str> = places.iter().filter_map(|at| row.get(*at)).map(|value| &*value.text).collect();
                let text = format!("delete from {name} where ({}) = ({})", columns.join(", "), values.join(", "));
                let _ = session.batch_execute(&text);
            }
        }
    }
}

/// What is referred to comes before what refers to it, where there is no circle.
fn order<'p>(plans: &BTreeMap<&'p TableName, Plan<'p>>) -> Vec<&'p TableName> {
    let mut left: Vec<&TableName> = plans.keys().copied().collect();
    let mut sorted = Vec::with_capacity(left.len());
    let mut there: BTreeSet<&TableName> = BTreeSet::new();
    while !left.is_empty() {
        let waits = |table: &TableName, needs: &dyn Fn(&ForeignKey) -> bool| {
            let open = |key: &ForeignKey| plans.contains_key(&key.target) && !there.contains(&key.target);
            plans[table].keys.iter().any(|key| key.target != *table && open(key) && needs(key))
        };
        let (mut ready, mut rest): (Vec<_>, Vec<_>) = left.into_iter().partition(|table| !waits(table, &|_| true));
        if ready.is_empty() {
            // A circle begins where a reference may be empty at first.
            let required = |table: &TableName, key: &ForeignKey| !plans[table].may_be_empty(key);
            let start = rest.iter().position(|table| !waits(table, &|key| required(table, key))).unwrap_or(0);
            ready.push(rest.remove(start));
        }
        there.extend(ready.iter());
        sorted.extend(ready);
        left = rest;
    }
    sorted
}

/// One row for each number, by one statement; where a check refuses that, row by row with other values.
fn one(session: &mut Session, catalog: &Catalog, plan: &Plan<'_>, rows: usize) -> Result<Filled, postgres::Error> {
    let name = qualified(&plan.table.table.schema, &plan.table.table.name);
    let count = format!("select count(*) from {name}");
    let before: i64 = session.query_one(&count, &[])?.get(0);
    let mut why = None;
    match insert(session, catalog, plan, rows)? {
        Ok(insert) => {
            let numbers = plan.numbers(rows);
            let series = format!("generate_series({}, {})", numbers.start(), numbers.end());
            if let Err(error) = session.batch_execute(&insert.from(&series)) {
                why = Some(said(&error));
                session.batch_execute(&tried(&insert, numbers))?;
            }
        }
        Err(lacks) => why = Some(lacks),
    }
    clear(session, plan);
    let now: i64 = session.query_one(&count, &[])?.get(0);
    Ok(Filled { table: plan.table.table.clone(), rows: now, why: why.filter(|_| now == before) })
}

/// An insert of a row for each number, around what gives the numbers; what needs no numbers has one part.
struct Insert {
    before: String,
    after: Option<String>,
}

impl Insert {
    /// The statement for numbers from this.
    fn from(&self, source: &str) -> String {
        match &self.after {
            Some(after) => format!("{}{source}{after}", self.before),
            None => self.before.clone(),
        }
    }
}

/// The insert of rows with values that are made of [`ROW`].
fn insert(
    session: &mut Session,
    catalog: &Catalog,
    plan: &Plan<'_>,
    rows: usize,
) -> Result<Result<Insert, String>, postgres::Error> {
    let mut columns: Vec<(String, String)> = Vec::new();
    let (mut joins, mut stride) = (String::new(), 1_i64);
    let mut referring: BTreeSet<&SmolStr> = BTreeSet::new();
    let nth = match plan.numbers(rows).start() - 1 {
        0 => ROW.to_owned(),
        before => format!("({ROW} - {before})"),
    };
    for (n, key) in plan.keys.iter().enumerate() {
        let target = qualified(&key.target.schema, &key.target.name);
        let fitting = plan.fitting(key);
        let there: i64 = session.query_one(&format!("select count(*) from {target}{fitting}"), &[])?.get(0);
        referring.extend(&key.columns);
        if there == 0 {
            if !plan.may_be_empty(key) && key.target != plan.table.table {
                let which = if fitting.is_empty() { "none" } else { "none that has a place in a part" };
                return Ok(Err(format!("it refers to {}.{}, which has {which}", key.target.schema, key.target.name)));
            }
            // Its own first rows refer to themselves, or to nothing.
            continue;
        }
        let list: Vec<String> = key.target_columns.iter().map(|column| ident(column).into_owned()).collect();
        // Where each may be referred to once only, it is; else they are unique together as long as they can be.
        let once = plan.unique.iter().any(|set| set.iter().all(|column| key.columns.contains(column)));
        let place = if once { nth.clone() } else { format!("1 + (({ROW} - 1) / {stride}) % {there}") };
        joins.push_str(&format!(
            "\njoin (select row_number() over () as n, {} from {target}{fitting}) k{n} on k{n}.n = {place}",
            list.join(", ")
        ));
        if !once {
            stride = stride.saturating_mul(there).min(1_000_000_000);
        }
        for (column, target) in key.columns.iter().zip(&key.target_columns) {
            let name = ident(column).into_owned();
            if !columns.iter().any(|(other, _)| *other == name) {
                columns.push((name, format!("k{n}.{}", ident(target))));
            }
        }
    }
    for (place, column) in plan.table.columns.iter().enumerate() {
        if column.generated.is_some() || column.identity.is_some() {
            continue;
        }
        let name = ident(&column.name).into_owned();
        if columns.iter().any(|(other, _)| *other == name) {
            continue;
        }
        let unique = plan.unique.iter().any(|set| set.as_slice() == [&column.name]);
        let in_key = plan.unique.iter().any(|set| set.contains(&&column.name));
        let by_itself = column.default.as_ref().is_some_and(|default| !in_key || default.text.contains('('));
        let refers_to_nothing = referring.contains(&column.name);
        let wanted = plan.wanted.iter().find(|(own, _)| *own == column.name);
        if wanted.is_none() && by_itself || refers_to_nothing && column.nullable {
            continue;
        }
        let divides = plan.divided.iter().find(|(own, _)| !unique && **own == column.name);
        if let Some((_, parts)) = divides {
            let value = format!("({})[1 + ({ROW} - 1) % {}]", array(parts, &column.ty), parts.len());
            columns.push((name, value));
            continue;
        }
        let candidates = Candidates::of(catalog, column, place, &plan.checks);
        let required = in_key || plan.required.contains(&column.name);
        let becomes = plan.becomes.get(&column.name).copied();
        match value(catalog, column, becomes, &candidates, unique, required) {
            Some(value) => match wanted {
                Some((_, first)) => {
                    let (list, count) = (array(first, &column.ty), first.len());
                    columns.push((name, format!("case when {nth} <= {count} then ({list})[{nth}] else {value} end")));
                }
                None => columns.push((name, value)),
            },
            None if column.nullable => {}
            None => return Ok(Err(format!("specc makes no values of the type of `{}`", column.name))),
        }
    }
    let table = qualified(&plan.table.table.schema, &plan.table.table.name);
    if columns.is_empty() {
        let body = format!(" begin for i in 1..{rows} loop insert into {table} default values; end loop; end ");
        return Ok(Ok(Insert { before: format!("do {}", dollar(&body)), after: None }));
    }
    let (names, values): (Vec<String>, Vec<String>) = columns.into_iter().unzip();
    let before = format!("insert into {table} ({})\nselect {}\nfrom ", names.join(", "), values.join(",\n  "));
    let after = format!(" as g (i){joins}{}", if plan.late { "" } else { "\non conflict do nothing" });
    Ok(Ok(Insert { before, after: Some(after) }))
}

/// The same row by row: a row that a check refuses is left out and tried with other values.
fn tried(insert: &Insert, numbers: RangeInclusive<usize>) -> String {
    let each = insert.from("(select i + (random() * 1000000)::int where true)");
    let body = format!(
        "\ndeclare\n  refused int := 0;\nbegin\n  for i in {}..{} loop\n    begin\n      {each};\n    exception when others then\n      \
         refused := refused + 1;\n      exit when refused > 200;\n    end;\n  end loop;\nend\n",
        numbers.start(),
        numbers.end(),
    );
    format!("do {}", dollar(&body))
}

/// Rows of a table that is not in the catalog: what references name, and what it requires.
fn external(
    session: &mut Session,
    table: &TableName,
    columns: &BTreeSet<SmolStr>,
    rows: usize,
) -> Result<(), postgres::Error> {
    let wanted: Vec<&str> = columns.iter().map(SmolStr::as_str).collect();
    let found = session.query(
        "select a.attname::text, t.typname::text, a.attnotnull from pg_catalog.pg_attribute a \
         join pg_catalog.pg_class c on c.oid = a.attrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         join pg_catalog.pg_type t on t.oid = a.atttypid \
         where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' \
           and a.attidentity = '' and (a.attname = any ($3) or a.attnotnull and not a.atthasdef) order by a.attnum",
        &[&table.schema.as_str(), &table.name.as_str(), &wanted],
    )?;
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for row in found {
        let (name, ty): (&str, &str) = (row.get(0), row.get(1));
        let ty = specc_facts::canonical_type(ty).unwrap_or(ty);
        let column = Column::new(name, specc_catalog::DataType::builtin(ty));
        let Some(value) = value(&Catalog::new(), &column, None, &Candidates::default(), true, true) else {
            return Ok(());
        };
        names.push(ident(name).into_owned());
        values.push(value);
    }
    if names.is_empty() {
        return Ok(());
    }
    let text = format!(
        "insert into {} ({}) select {} from generate_series(1, {}) as g (i) on conflict do nothing",
        qualified(&table.schema, &table.name),
        names.join(", "),
        values.join(", "),
        rows
    );
    // Where that is not allowed, references to it stay empty.
    let _ = session.batch_execute(&text);
    Ok(())
}

fn said(error: &postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned())
}
