//! A column with rows gets another type, drawn at random, without consent to any loss: either no value is changed, or nothing is.

use crate::changes::given::compile;
use crate::changes::run::{printed, script};
use specc_diff::diff;
use specc_migrate::{Arena, ChangeError, ChangeOptions, plan_change};
use specc_model::Target;
use specc_postgres::{Session, load_sql, shared};
use specc_sql::Transaction;
use specc_tests::Dice;

/// Types, those of one's own among them.
const TYPES: &[&str] = &[
    "smallint",
    "int",
    "bigint",
    "numeric",
    "numeric(4)",
    "numeric(10,2)",
    "numeric(12,4)",
    "real",
    "double precision",
    "money",
    "text",
    "varchar(3)",
    "varchar(60)",
    "char(4)",
    "boolean",
    "uuid",
    "date",
    "timestamp",
    "timestamp(0)",
    "timestamptz",
    "timestamptz(3)",
    "time",
    "time(0)",
    "timetz",
    "interval",
    "interval day",
    "interval hour to minute",
    "interval(0)",
    "bit(3)",
    "varbit(5)",
    "json",
    "jsonb",
    "inet",
    "cidr",
    "int[]",
    "text[]",
    "numeric(10,2)[]",
    "mood",
    "mood[]",
    "small",
    "amount",
    "bytea",
    "macaddr",
    "int4range",
    "name",
];

const OWN: &str =
    "enum mood { glad, sad }\ndomain small: smallint? { check value < 1000 }\ndomain amount: numeric(10,2)?\n";

/// Values as they are written; each type takes those that it can.
const VALUES: &[&str] = &[
    "0",
    "1",
    "-7",
    "40000",
    "3000000000",
    "1.5",
    "2.25",
    "-0.00001",
    "9007199254740993",
    "1e300",
    "NaN",
    "Infinity",
    "",
    " ",
    "a",
    "abc",
    "abcdef   ",
    "glad",
    "sad",
    "true",
    "false",
    "2026-05-05",
    "2026-05-05 13:14:15.678",
    "0044-03-15 BC",
    "5874897-12-31",
    "infinity",
    "12:30",
    "23:59:59.999999",
    "24:00",
    "1 day 02:03:04",
    "1 mon",
    "101",
    "10101",
    "{}",
    "[1, 1.50]",
    "{\"b\": 1, \"a\": 2}",
    "10.1.2.3",
    "10.0.0.0/8",
    "{1,2}",
    "{1.50}",
    "{glad,sad}",
    "00000000-0000-0000-0000-000000000001",
    "\\x00ff",
    "08:00:2b:01:02:03",
    "[1,5)",
    "empty",
    "日本語",
    "2026-05-05 13:14:15+02",
];

fn spec(ty: &str) -> String {
    format!("{OWN}entity t {{\n  id: int key\n  n: {ty}?\n  rls off\n}}\n")
}

/// Text of a row's values, for a look at them.
fn rows(session: &mut Session, query: &str) -> Result<Vec<(i32, Option<String>)>, String> {
    let rows = session.query(query, &[]).map_err(|error| error.to_string())?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// What is wrong with the change of this seed, and whether it was planned.
///
/// # Errors
/// What stopped the test itself.
pub fn check(seed: u64) -> Result<bool, String> {
    let mut dice = Dice::new(seed);
    let (from, to) = (TYPES[dice.below(TYPES.len())], TYPES[dice.below(TYPES.len())]);
    let major = if dice.once_in(2) { 15 } else { 18 };
    let options = ChangeOptions { offline: dice.once_in(2), one: false };
    if from == to {
        return Ok(false);
    }
    let at = |what: String| format!("{seed}: {from} to {to} on {major}: {what}");
    let [old, new] = [from, to].map(|ty| compile("t.dbspec", &spec(ty), Target::Postgres, true));
    let (old, new) = (old.map_err(at)?, new.map_err(at)?);
    let (difference, arena) = (diff(&old.catalog, &new.catalog, &new.hints), Arena::new());
    let plan = match plan_change(&difference, &new.hints, &arena, options) {
        Ok(plan) if plan.losses().is_empty() => plan,
        Ok(_) | Err(ChangeError::NoCast(_) | ChangeError::Stalls(_)) => return Ok(false),
        Err(error) => return Err(at(error.to_string())),
    };
    let db = shared(major).empty_database().map_err(|error| at(error.to_string()))?;
    let mut session = db.connect().map_err(|error| at(error.to_string()))?;
    let mut load = |text: &str| load_sql(&mut session, text).map(|_| ()).map_err(|error| error.to_string());
    load(&script(&old.catalog)?).map_err(at)?;
    for n in 0..6 {
        let value = VALUES[dice.below(VALUES.len())].replace('\'', "''");
        // Not every type takes it.
        let _ = load(&format!("insert into t select {n}, '{value}'::text::{from}"));
    }
    load("create table kept as select * from t").map_err(at)?;
    let mut stopped = None;
    for stage in &plan.stages {
        let texts: Vec<String> = stage.statements().map(printed).collect();
        let shared = stage.transaction != Transaction::Outside;
        let text = texts.join("\n");
        let text = if shared { format!("begin;\n{text}\ncommit;") } else { text };
        if let Err(error) = load(&text) {
            let _ = load("rollback");
            stopped = Some(error);
            break;
        }
    }
    let changed = match &stopped {
        Some(error) if !error.contains("cannot become") => return Err(at(format!("it stopped by itself: {error}"))),
        Some(_) => {
            "select t.id, t.n::text from t full join kept using (id) where t.n::text is distinct from kept.n::text"
                .to_owned()
        }
        None => format!(
            "select t.id, kept.n::text || ' is now ' || t.n::text from t full join kept using (id)
             where t.n::text is distinct from kept.n::text and t.n::text::{from}::text is distinct from kept.n::text"
        ),
    };
    // Where one text says it in another way, the value says it.
    let equal = format!("select t.id, t.n::text from t join kept using (id) where t.n::{from} is distinct from kept.n");
    let found = rows(&mut session, &changed).and_then(|found| match (found.is_empty(), &stopped) {
        (true, _) | (_, Some(_)) => Ok(found),
        (false, None) => rows(&mut session, &equal),
    });
    match found {
        Ok(found) if found.is_empty() => Ok(true),
        // By way of the value, where there is no way by its text.
        Err(_) if rows(&mut session, &equal).is_ok_and(|found| found.is_empty()) => Ok(true),
        other => Err(at(format!("values are changed: {other:?}"))),
    }
}
