//! A table that is filled from the rows of another one: in batches, at once, again after it was stopped.

use crate::changes::given::{Given, compile};
use crate::changes::run::{printed, script};
use specc_catalog::{Catalog, Object, Table, TableName};
use specc_model::Target;
use specc_postgres::{Database, Session, load_sql, shared};
use specc_sql::{Alter, Assign, FillTable, Statement};

const SPEC: &str = "entity readings {
 id: int
 part: text
 value: int?
 note: json?
 key (id, part)
 rls off }
entity copies {
 id: bigint
 part: text
 value: text?
 note: json?
 key (part, id)
 rls off }
entity bags {
 value: text?
 note: json?
 rls off }
entity reached {
 id: int
 part: text
 rls off }";

const ROWS: &str = "insert into readings select n, 'part ' || n % 3, nullif(n % 7, 0), case n % 5 when 0 then null else '{\"a\": 1}'::json end from generate_series(1, 7000) n";

fn table<'c>(catalog: &'c Catalog, name: &str) -> &'c Table {
    match &catalog.get(&TableName::new("public", name).id()).expect("a table").object {
        Object::Table(table) => table,
        _ => unreachable!("a table"),
    }
}

/// What fills `copies`, or `bags`, whose rows cannot be found again.
fn fill<'c>(given: &'c Given, found_again: bool, at_once: bool) -> FillTable<'c> {
    let target = table(&given.catalog, if found_again { "copies" } else { "bags" });
    let values = [("id", "id"), ("part", "part"), ("value", "'is ' || value"), ("note", "note")];
    let set = values.iter().filter_map(|(name, value)| {
        let column = target.columns.iter().find(|column| column.name == *name)?;
        Some(Assign { column, value })
    });
    FillTable {
        alias: None,
        shared: false,
        table: &target.table,
        set: set.collect(),
        source: table(&given.catalog, "readings"),
        key: vec!["id", "part"],
        only: Some("id <> 77"),
        known_by: if found_again { 2 } else { 0 },
        done: (!found_again && !at_once).then(|| &table(&given.catalog, "reached").table),
        settings: Vec::new(),
        quiet: false,
        at_once,
    }
}

fn start(major: u32, given: &Given) -> (Database, Session) {
    let db = shared(major).empty_database().expect("a database");
    let mut session = db.connect().expect("a session");
    load_sql(&mut session, &script(&given.catalog).expect("a script")).expect("the spec");
    load_sql(&mut session, ROWS).expect("rows");
    (db, session)
}

fn count(session: &mut Session, query: &str) -> i64 {
    session.query(query, &[]).expect(query)[0].get(0)
}

const RIGHT: &str = "select count(*) from readings r join copies c using (id, part)
 where c.value is not distinct from 'is ' || r.value and c.note::text is not distinct from r.note::text";

fn run(session: &mut Session, fill: FillTable<'_>) -> Result<(), String> {
    load_sql(session, &printed(&Statement::Alter(Alter::FillTable(fill))))
        .map(|_| ())
        .map_err(|error| error.to_string())
}

#[test]
fn a_table_is_filled_in_batches_and_at_once() {
    let given = compile("fill.dbspec", SPEC, Target::Postgres, true).unwrap_or_else(|error| panic!("{error}"));
    for major in [15, 18] {
        for at_once in [false, true] {
            let (_db, mut session) = start(major, &given);
            assert_eq!(run(&mut session, fill(&given, true, at_once)), Ok(()));
            assert_eq!(run(&mut session, fill(&given, false, at_once)), Ok(()));
            assert_eq!(count(&mut session, RIGHT), 6999);
            assert_eq!(count(&mut session, "select count(*) from bags"), 6999);
        }
        // Nothing is there to fill.
        let (_db, mut session) = start(major, &given);
        load_sql(&mut session, "truncate readings").expect("no rows");
        assert_eq!(run(&mut session, fill(&given, true, false)), Ok(()));
        assert_eq!(run(&mut session, fill(&given, false, false)), Ok(()));
    }
}

/// Each run is killed after its first batch; each row is there once in the end.
#[test]
fn a_filling_that_is_killed_goes_on_where_it_stopped() {
    let given = compile("fill.dbspec", SPEC, Target::Postgres, true).unwrap_or_else(|error| panic!("{error}"));
    for found_again in [true, false] {
        let (db, mut session) = start(15, &given);
        let text = printed(&Statement::Alter(Alter::FillTable(fill(&given, found_again, false))));
        let killed = text.replacen(
            "    commit;\n",
            "    commit; perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(1);\n",
            1,
        );
        assert_ne!(killed, text);
        let filled = if found_again { "select count(*) from copies" } else { "select count(*) from bags" };
        for turn in 1..=3 {
            let mut other = db.connect().expect("a session");
            assert!(load_sql(&mut other, &killed).is_err(), "it is killed");
            let so_far = count(&mut session, filled);
            // What is found again is looked at again from the start, what is not goes on.
            assert_eq!(so_far, if found_again { 1999 } else { 2000 * turn - 1 });
        }
        load_sql(&mut session, &text).expect("the rest");
        assert_eq!(count(&mut session, filled), 6999);
        assert_eq!(count(&mut session, &filled.replace("count(*)", "count(distinct (value, note::text))")), 14);
    }
}

#[test]
fn what_differs_in_the_end_is_repaired_or_named() {
    let given = compile("fill.dbspec", SPEC, Target::Postgres, true).unwrap_or_else(|error| panic!("{error}"));
    let wrong = [
        ("insert into copies values (5, 'part 2', 'other', null)", "5, part 2", true),
        ("insert into copies values (77, 'part 2', 'is 7', null)", "77, part 2", true),
        ("insert into copies values (9999, 'gone', null, null)", "9999, gone", true),
        ("insert into bags values ('too much', null)", "(\"too much\",)", false),
    ];
    for (text, named, found_again) in wrong {
        for at_once in [false, true] {
            let (_db, mut session) = start(15, &given);
            // At once nothing is passed over: what is there already is another row with the same key.
            if at_once && text.contains("(5,") {
                continue;
            }
            load_sql(&mut session, text).expect(text);
            let script = printed(&Statement::Alter(Alter::FillTable(fill(&given, found_again, at_once))));
            if found_again && !at_once {
                load_sql(&mut session, &script).expect("it is repaired");
                assert_eq!(count(&mut session, RIGHT), 6999);
                assert_eq!(count(&mut session, "select count(*) from copies"), 6999);
                continue;
            }
            let error = session.batch_execute(&script).expect_err("rows differ");
            let error = error.as_db_error().expect("said by the server").clone();
            assert!(error.message().starts_with("rows of public.readings that are not in public."), "{error}");
            assert!(error.message().ends_with(": 1"), "{}", error.message());
            assert!(error.hint().is_some_and(|hint| hint.contains(named)), "{:?}", error.hint());
        }
    }
}
