//! What is printed of a formula is what its author wrote: each line of `tests/formulas` is made on both servers as it stands and
//! as specc prints it, and the servers hold the same. What no server takes is refused.
//!
//! `FORMULAS=file cargo test -p specc-tests --test all formulas::` does so with the checks of any file.

#![allow(clippy::disallowed_methods)]

use specc_catalog::{Catalog, Object, Rule};
use specc_diag::{Severity, Sources};
use specc_model::Options;
use specc_postgres::{Session, shared};
use specc_tests::VERSIONS;
use std::fmt::Write as _;

/// The table that the lines are about, as a spec and as SQL.
const FIELDS: &str = "id uuid key, t text?, n int?, f float8?, m numeric?, j jsonb?, js json?, ts timestamptz?, d date?, iv interval?, \
    a int[]?, ta text[]?, b boolean?, x xml?, by bytea?, r int4range?, tv tsvector?, u uuid?, bt bit(8)?";

/// Where a formula stands.
#[derive(Clone, Copy)]
enum Place {
    Check,
    Policy,
}

impl Place {
    fn spec(self, formula: &str) -> String {
        let fields = FIELDS.split(", ").map(|field| field.replacen(' ', ": ", 1) + "\n").collect::<String>();
        match self {
            Place::Check => format!("entity t {{\n{fields}rls off\ncheck c: {formula}\n}}"),
            Place::Policy => format!(
                "entity t {{\n{fields}}}\nentity s {{\nn: int key\nt: text?\nrls off\n}}\npolicy on t {{\nc: allow select when {formula}\n}}"
            ),
        }
    }

    fn made(self, catalog: &Catalog) -> Option<&str> {
        catalog.iter().find_map(|(_, entry)| match (self, &entry.object) {
            (Place::Check, Object::Constraint(constraint)) if constraint.name == "c" => match &constraint.rule {
                Rule::Check { expr, .. } => Some(&*expr.text),
                _ => None,
            },
            (Place::Policy, Object::Policy(policy)) => policy.using.as_ref().map(|using| &*using.text),
            _ => None,
        })
    }

    /// What a server holds of a formula; none where it refuses it.
    fn held(self, session: &mut Session, formula: &str) -> Option<String> {
        let (make, ask) = match self {
            Place::Check => (
                format!("alter table t add constraint c check ({formula}\n)"),
                "select pg_get_constraintdef(oid) from pg_constraint where conname = 'c'",
            ),
            Place::Policy => (
                format!("create policy c on t for select using ({formula}\n)"),
                "select pg_get_expr(polqual, polrelid) from pg_policy where polname = 'c'",
            ),
        };
        let mut transaction = session.transaction().expect("a transaction");
        transaction.batch_execute(&make).ok()?;
        let held = transaction.query_one(ask, &[]).expect("what it holds").get(0);
        transaction.rollback().expect("undone");
        Some(held)
    }
}

/// What is printed of a formula, or the errors.
fn printed(place: Place, formula: &str) -> Result<String, String> {
    let (mut sources, text) = (Sources::new(), place.spec(formula));
    let id = sources.add("case.dbspec", text.as_str());
    let (file, mut found) = specc_syntax::parse(id, &text);
    let (model, more) = specc_model::analyze(vec![file], &mut sources, Options::default());
    found.extend(more);
    let errors: Vec<_> = found.iter().filter(|found| found.severity() == Severity::Error).collect();
    if let Some(error) = errors.first() {
        return Err(format!("{} {}", error.code.name(), error.message));
    }
    let (catalog, _) = specc_lower::lower(&model);
    place.made(&catalog).map(str::to_owned).ok_or_else(|| "nothing is made of it".into())
}

fn held_as_written(place: Place, lines: &str) {
    let lines: Vec<&str> = lines.lines().filter(|line| !line.trim().is_empty()).collect();
    let printed: Vec<_> = lines.iter().map(|line| printed(place, line)).collect();
    let (mut failed, mut taken) = (String::new(), vec![false; lines.len()]);
    for major in VERSIONS {
        let db = shared(major).platform_database().expect("a database");
        let mut session = db.connect().expect("a session");
        let fields = FIELDS.replace(" key", "").replace('?', "");
        let tables = format!("create table t ({fields}); create table s (n int primary key, t text)");
        session.batch_execute(&tables).expect("the tables");
        for (at, (line, printed)) in lines.iter().zip(&printed).enumerate() {
            let Some(wanted) = place.held(&mut session, line) else { continue };
            taken[at] = true;
            match printed {
                Ok(text) => {
                    let held = place.held(&mut session, text);
                    if held.as_ref() != Some(&wanted) {
                        writeln!(failed, "{major}: `{line}` is printed as `{text}`: {held:?}, not {wanted}").unwrap();
                    }
                }
                Err(error) => writeln!(failed, "{major} takes `{line}`: {error}").unwrap(),
            }
        }
    }
    for (at, (line, printed)) in lines.iter().zip(&printed).enumerate() {
        if let (false, Ok(text)) = (taken[at], printed) {
            writeln!(failed, "no server takes `{line}`, printed as `{text}`").unwrap();
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

#[test]
fn checks_are_held_as_they_are_written() {
    match std::env::var("FORMULAS") {
        Ok(file) => held_as_written(Place::Check, &std::fs::read_to_string(file).expect("a file")),
        Err(_) => held_as_written(Place::Check, include_str!("../formulas/checks.txt")),
    }
}

#[test]
fn conditions_of_policies_are_held_as_they_are_written() {
    held_as_written(Place::Policy, include_str!("../formulas/policies.txt"));
}
