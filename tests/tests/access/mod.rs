//! Who may do what with every entity of every spec: each statement is tried as everybody, allowed side and denied side.
//!
//! `42501` is a refusal, a number says how many rows were touched, a list of words is what was read (`-` for nothing),
//! and `=` is the same as for the person before. Everything is undone, so the order of statements does not matter.

#![allow(clippy::unwrap_used)]

// Tables, one statement a line, however long it is.
#[rustfmt::skip]
mod automation_platform;
#[rustfmt::skip]
mod medellin_decks;
#[rustfmt::skip]
mod medellin_events;
#[rustfmt::skip]
mod medellin_jobs;
#[rustfmt::skip]
mod medellin_people;
#[rustfmt::skip]
mod medellin_startups;
#[rustfmt::skip]
mod medellin_storage;
#[rustfmt::skip]
mod srvc_crm;
#[rustfmt::skip]
mod starter;

use specc_postgres::{Database, Session};
use specc_tests::stage::said;
use specc_tests::{Rows, VERSIONS, database, specs, sql, texts};

/// Runs a test on a database with these rows, on each version.
fn with_rows(spec: &str, rows: &str, test: impl Fn(&mut Session)) {
    for major in VERSIONS {
        let db: Database = database(spec, major, Rows::Base);
        let mut owner = db.connect().unwrap();
        let rows = sql(rows);
        owner.batch_execute(&rows).unwrap_or_else(|error| panic!("{}\n{rows}", said(&error)));
        test(&mut owner);
    }
}

/// Every table has its statements here, of every kind.
#[test]
fn no_entity_is_forgotten() {
    let sources = [
        ("automation_platform", [include_str!("automation_platform.rs")].concat()),
        (
            "medellin_spark",
            [
                include_str!("medellin_decks.rs"),
                include_str!("medellin_events.rs"),
                include_str!("medellin_jobs.rs"),
                include_str!("medellin_people.rs"),
                include_str!("medellin_startups.rs"),
                include_str!("medellin_storage.rs"),
            ]
            .concat(),
        ),
        ("srvc_crm", [include_str!("srvc_crm.rs")].concat()),
        ("starter", [include_str!("starter.rs")].concat()),
    ];
    assert_eq!(specs(), sources.each_ref().map(|(name, _)| *name));
    for (spec, source) in sources {
        let db = database(spec, 18, Rows::Base);
        let mut owner = db.connect().unwrap();
        let tables = texts(
            &mut owner,
            "select c.relname from pg_class c where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace order by 1",
        );
        for table in tables {
            for statement in ["from public.", "insert into public.", "update public.", "delete from public."] {
                let at = source
                    .match_indices(&format!("{statement}{table}"))
                    .any(|(at, found)| source[at + found.len()..].starts_with([' ', '"', '\n', '\\', ')']));
                assert!(at, "nobody tries `{statement}{table}` of {spec}");
            }
        }
    }
}
