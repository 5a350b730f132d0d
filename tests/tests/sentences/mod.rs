//! What the pages say is so: each sentence that can be tried is tried on a loaded database, as the role that it speaks of.
//!
//! The suite tries the sentences about rows of one spec; all of them, of all specs, on both versions:
//! `cargo test -p specc-tests --test all -- --ignored sentences::every_sentence`.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout)]

mod blocks;
mod corners;
mod trial;

use specc_docs::Claim;
use specc_postgres::Database;
use specc_tests::{Rows, VERSIONS, database};
use std::collections::BTreeMap;
use trial::{Came, Trials};

/// The model and the catalog of a spec under `specs/`, as the build reads it.
pub fn project(name: &str) -> (specc_model::Model, specc_catalog::Catalog, specc_docs::Options) {
    read(name, &specc_tests::spec_files(name), specc_model::Options::default())
}

/// The same of any files.
fn read(
    name: &str,
    files: &[(String, String)],
    options: specc_model::Options,
) -> (specc_model::Model, specc_catalog::Catalog, specc_docs::Options) {
    let (model, _) = specc_tests::replay::model_of(files, options);
    let (catalog, _) = specc_lower::lower(&model);
    let around = specc_lower::external(&model);
    let options = specc_docs::Options { project: name.into(), around, ..Default::default() };
    (model, catalog, options)
}

fn claims(name: &str) -> Vec<Claim> {
    let (model, catalog, options) = project(name);
    specc_docs::claims(&model, &catalog, &options)
}

/// The rows that a spec has to develop with, or else its first ones.
pub fn rows_of(name: &str) -> Rows {
    if specc_tests::spec(name).seed("dev").is_some() { Rows::Dev } else { Rows::Base }
}

/// Tries claims; says how many were decided, by their kind, and which are false.
fn tried(name: &str, major: u32, claims: &[Claim]) -> (BTreeMap<&'static str, [usize; 2]>, Vec<String>) {
    tried_on(&database(name, major, rows_of(name)), &format!("{name}, {major}"), claims)
}

fn tried_on(db: &Database, name: &str, claims: &[Claim]) -> (BTreeMap<&'static str, [usize; 2]>, Vec<String>) {
    let mut trials = Trials::new(db);
    let (mut counts, mut wrong) = (BTreeMap::<&str, [usize; 2]>::new(), Vec::new());
    for claim in claims {
        let count = counts.entry(trial::kind(claim)).or_default();
        match trials.of(claim) {
            Came::True => count[0] += 1,
            Came::Open => count[1] += 1,
            Came::False(what) => {
                wrong.push(format!("{name}: {} of {:?}: {}: {what}", claim.role, claim.on, claim.words()))
            }
        }
    }
    (counts, wrong)
}

#[test]
fn the_sentences_about_rows_hold() {
    let all = claims("srvc_crm");
    let (counts, wrong) = tried("srvc_crm", 18, &all);
    let decided: usize = counts.values().map(|count| count[0]).sum();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(decided > 200, "{counts:?}");
}

#[test]
#[ignore = "tries thousands of sentences"]
fn every_sentence_holds() {
    let (mut decided, mut wrong) = (0, Vec::new());
    for name in ["automation_platform", "medellin_spark", "srvc_crm"] {
        let all = claims(name);
        for major in VERSIONS {
            let (counts, found) = tried(name, major, &all);
            println!("{name}, Postgres {major}: decided and open: {counts:?}");
            wrong.extend(found);
            decided += counts.values().map(|count| count[0]).sum::<usize>();
        }
    }
    assert!(wrong.is_empty(), "{} false:\n{}", wrong.len(), wrong.join("\n"));
    println!("{decided} sentences decided, none false");
    assert!(decided >= 2000, "{decided}");
}

/// A sentence that is not so is found: each kind, turned round.
#[test]
fn a_false_sentence_is_found() {
    let all = claims("automation_platform");
    let db = database("automation_platform", 18, rows_of("automation_platform"));
    let mut trials = Trials::new(&db);
    let mut found = BTreeMap::<&str, usize>::new();
    for claim in all.iter().filter_map(trial::turned) {
        if let Came::False(_) = trials.of(&claim) {
            *found.entry(trial::kind(&claim)).or_default() += 1;
        }
    }
    for kind in ["may", "may not", "calls", "counted", "goes", "immutable", "shows", "indexed"] {
        assert!(found.get(kind).is_some_and(|n| *n > 0), "{kind}: {found:?}");
    }
}
