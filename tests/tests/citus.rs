//! What Citus takes and what it refuses: each case of `tests/citus/cases.txt` has the verdict that its sources and regression
//! outputs give, and specc says the same. So do functions of the same names on a plain Postgres (`tests/src/citus.sql`), which know
//! nothing of specc: what is right loads there, and what is wrong is refused there by the same rule.
//!
//! About 10 seconds.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout)]

use specc_catalog::Catalog;
use specc_diag::{Severity, Sources};
use specc_facts::citus;
use specc_model::{Options, Target};
use specc_postgres::{Session, shared};
use specc_tests::stage::said;
use specc_tests::{VERSIONS, root};
use std::collections::{BTreeMap, BTreeSet};

const STANDIN: &str = include_str!("../src/citus.sql");

struct Case {
    name: String,
    verdict: String,
    source: String,
    spec: String,
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(root().join("tests/citus/cases.txt")).unwrap();
    let parts = text.split("\n== ").skip(1);
    let case = |part: &str| {
        let (head, spec) = part.split_once('\n').unwrap();
        let [name, verdict, source] = head.split(" | ").collect::<Vec<_>>()[..] else { panic!("{head}") };
        Case { name: name.into(), verdict: verdict.into(), source: source.into(), spec: spec.into() }
    };
    parts.map(case).collect()
}

/// What specc says of a spec in this target, and what it would make of it all the same.
fn compiled(spec: &str) -> (BTreeSet<&'static str>, Catalog, String) {
    let mut sources = Sources::new();
    let id = sources.add("case.dbspec", spec);
    let (file, mut found) = specc_syntax::parse(id, spec);
    let options = Options { target: Target::Citus, ..Options::default() };
    let (model, more) = specc_model::analyze(vec![file], &mut sources, options);
    found.extend(more);
    let (catalog, more) = specc_lower::lower(&model);
    found.extend(more);
    let errors = found.iter().filter(|d| d.severity() == Severity::Error);
    let text = errors.clone().map(|d| format!("{} {}\n", d.code.name(), d.message)).collect();
    (errors.map(|d| d.code.name()).collect(), catalog, text)
}

fn script(catalog: &Catalog) -> String {
    let plan = specc_migrate::plan_create(catalog).unwrap();
    let mut out = String::new();
    plan.statements().for_each(|statement| specc_sql::print(statement, &mut out));
    out
}

/// How the functions that stand in for Citus take it: the rule that they name, or what else went wrong.
fn loaded(session: &mut Session, script: &str) -> Result<(), String> {
    let mut transaction = session.transaction().unwrap();
    let result =
        transaction.batch_execute(script).and_then(|()| transaction.batch_execute("select citus_standin.check_all()"));
    transaction.rollback().unwrap();
    // Its first line, behind the number of the error.
    result.map_err(|error| said(&error).lines().next().unwrap_or_default().trim_start_matches("0A000 ").to_owned())
}

#[test]
fn a_verdict_is_that_of_citus() {
    println!(
        "SKIPPED: Citus is not on this machine: no case was tried on a real one, only on functions that stand in for it"
    );
    let cases = cases();
    let count = |right: bool| cases.iter().filter(|case| (case.verdict == "right") == right).count();
    assert!(count(true) >= 50 && count(false) >= 50, "{} right, {} wrong", count(true), count(false));
    let mut sessions: Vec<(u32, specc_postgres::Database)> = Vec::new();
    for major in VERSIONS {
        let db = shared(major).empty_database().unwrap();
        db.load(STANDIN).unwrap();
        sessions.push((major, db));
    }
    let mut wrong = String::new();
    for case in &cases {
        assert!(case.source.starts_with("src/"), "{}: no source", case.name);
        let (codes, catalog, text) = compiled(&case.spec);
        let wanted: BTreeSet<&str> = Some(&*case.verdict).filter(|v| *v != "right").into_iter().collect();
        if codes != wanted {
            wrong += &format!("{}: specc says {codes:?}, not {}\n{text}", case.name, case.verdict);
            continue;
        }
        let script = script(&catalog);
        for (major, db) in &sessions {
            let told = loaded(&mut db.connect().unwrap(), &script);
            match (&told, case.verdict.as_str()) {
                (Ok(()), "right") => {}
                (Err(rule), verdict) if rule.starts_with(verdict) => {}
                _ => wrong += &format!("{} on {major}: {told:?}, not {}\n", case.name, case.verdict),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_fact_has_a_source_and_a_case() {
    let cases = cases();
    let sources: BTreeSet<&str> = cases.iter().map(|case| case.source.as_str()).collect();
    for (rule, fact) in citus::ALL {
        assert_eq!(citus::ALL.iter().filter(|(other, _)| other == rule).count(), 1, "{rule:?}");
        assert!(fact.source.starts_with("src/") && !fact.says.is_empty() && !fact.versions.is_empty(), "{rule:?}");
        let pure = *rule == citus::Rule::NegativeScale;
        assert!(pure || sources.contains(fact.source), "{rule:?}: no case is from {}", fact.source);
    }
    let mut names = BTreeMap::new();
    cases.iter().for_each(|case| *names.entry(&case.name).or_insert(0) += 1);
    assert!(names.values().all(|count| *count == 1), "a name is there twice");
}
