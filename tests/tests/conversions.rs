//! What is said of a change of type is what Postgres 15 and 18 do with values at the edges.

#![allow(clippy::disallowed_methods)]

use specc_catalog::{Catalog, DataType, Domain, Entry, Enum, SqlExpr};
use specc_facts::Conversion;
use specc_postgres::{Session, shared};
use specc_tests::{in_full, root};

/// Types with limits, arrays, and types of one's own; each without its limit too.
const WRITTEN: &[&str] = &[
    "smallint",
    "int",
    "bigint",
    "numeric",
    "numeric(4)",
    "numeric(10,0)",
    "numeric(20,0)",
    "numeric(10,2)",
    "numeric(12,2)",
    "numeric(11,3)",
    "numeric(3,2)",
    "numeric(6,2)",
    "numeric(15,5)",
    "real",
    "double precision",
    "money",
    "text",
    "varchar",
    "varchar(3)",
    "varchar(50)",
    "char(3)",
    "char(50)",
    "char",
    "bpchar",
    "name",
    "boolean",
    "uuid",
    "date",
    "timestamp",
    "timestamp(0)",
    "timestamp(3)",
    "timestamp(6)",
    "timestamptz",
    "timestamptz(0)",
    "timestamptz(3)",
    "time",
    "time(0)",
    "timetz",
    "timetz(3)",
    "interval",
    "interval(0)",
    "interval(3)",
    "interval year",
    "interval month",
    "interval year to month",
    "interval day",
    "interval hour",
    "interval day to hour",
    "interval minute",
    "interval hour to minute",
    "interval second",
    "interval second(3)",
    "interval day to second(6)",
    "bit",
    "bit(3)",
    "bit(5)",
    "varbit",
    "varbit(3)",
    "varbit(5)",
    "json",
    "jsonb",
    "inet",
    "cidr",
    "int[]",
    "bigint[]",
    "text[]",
    "numeric[]",
    "numeric(10,2)[]",
    "varchar(3)[]",
    "date[]",
    "timestamptz[]",
    "mood",
    "mood[]",
    "small",
    "small[]",
    "amount",
    "word",
];

const OWN: &str = "create type mood as enum ('a', 'long label');
    create domain small as int check (value <> 10);
    create domain amount as numeric(10,2);
    create domain word as varchar(3)";

/// A built-in type as it is written.
fn builtin(written: &str) -> DataType {
    let (bare, dims) = written.strip_suffix("[]").map_or((written, 0), |bare| (bare, 1));
    let (name, args) = bare.split_once('(').unwrap_or((bare, ""));
    let args = args.trim_end_matches(')').split(',').filter_map(|arg| arg.parse().ok()).collect();
    let mut ty = DataType::builtin(name);
    (ty.args, ty.dims) = (args, dims);
    ty
}

fn data_type(written: &str) -> DataType {
    let mut ty = builtin(written);
    if ["mood", "small", "amount", "word"].contains(&ty.name.as_str()) {
        ty.schema = "public".into();
    }
    ty
}

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    let labels = vec!["a".into(), "long label".into()];
    catalog.insert(Entry::new(Enum { schema: "public".into(), name: "mood".into(), labels }));
    for (name, base, check) in
        [("small", "int", Some("value <> 10")), ("amount", "numeric(10,2)", None), ("word", "varchar(3)", None)]
    {
        catalog.insert(Entry::new(Domain {
            schema: "public".into(),
            name: name.into(),
            base: builtin(base),
            nullable: true,
            collation: None,
            default: None,
            checks: check.map(|text| ("small_check".into(), SqlExpr::new(text))).into_iter().collect(),
        }));
    }
    catalog
}

/// The name under which the table of values knows a type.
fn kind(written: &str) -> (String, bool) {
    let ty = builtin(written);
    let name = match ty.name.as_str() {
        "small" => "int",
        "amount" => "numeric",
        "word" => "varchar",
        name if name.starts_with("interval") => "interval",
        name => name,
    };
    let internal = match name {
        "char" => "bpchar",
        name => specc_facts::internal_type_name(name),
    };
    (internal.to_owned(), ty.dims > 0)
}

fn open(session: &mut Session) {
    let text = std::fs::read_to_string(root().join("crates/facts/data/facts.sql")).expect("the queries");
    let prepare = text.split("\n-- part: ").nth(1).and_then(|part| part.split_once('\n')).expect("the helpers").1;
    session.batch_execute(OWN).expect("types");
    session.batch_execute(prepare).expect("the helpers");
    session.batch_execute("insert into edge values ('mood', 'a'), ('mood', 'long label')").expect("values");
}

/// By target, what the server makes of all values.
fn measured(session: &mut Session, from: &str) -> Vec<Option<Conversion>> {
    let (kind, array) = kind(from);
    let (value, long) =
        if array { ("array[value]::text) || array_agg(", "array_fill(value, array[40])::text") } else { ("value", "") };
    let query = format!(
        "select pg_temp.conversion($1, t, (select array_agg({value}{long}) from edge where kind = $2)) from unnest($3::text[]) with \
         ordinality u (t, n) order by n"
    );
    let rows = session.query(&query, &[&from, &kind, &WRITTEN]).expect("conversions");
    rows.iter()
        .map(|row| {
            let found: Option<String> = row.get(0);
            found.map(|found| Conversion { lossy: found.contains('l'), failing: found.contains('f') })
        })
        .collect()
}

#[test]
fn changes_of_limits_arrays_and_domains_do_what_is_said() {
    let catalog = catalog();
    let mut wrong = Vec::new();
    let [(_old, mut old), (_new, mut new)] = [15, 18].map(|major| {
        let db = shared(major).empty_database().expect("a database");
        let mut session = db.connect_superuser().expect("a session");
        open(&mut session);
        (db, session)
    });
    for from in WRITTEN.iter().step_by(if in_full() { 1 } else { 3 }) {
        let found = measured(&mut old, from).into_iter().zip(measured(&mut new, from));
        for (to, found) in WRITTEN.iter().zip(found).filter(|(to, _)| *to != from) {
            // What either does may happen.
            let found = match found {
                (Some(a), Some(b)) => Some(a.and(b)),
                (a, b) => a.or(b),
            };
            let said = specc_migrate::conversion([&catalog, &catalog], &data_type(from), &data_type(to));
            if said != found {
                wrong.push(format!("{from} to {to}: said {said:?}, found {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), WRITTEN.len() * WRITTEN.len() * 2, wrong.join("\n"));
}
