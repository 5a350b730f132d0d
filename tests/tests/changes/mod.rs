//! Every folder of `tests/changes` is a change: a spec before and a spec after. The change is built as `specc build` does
//! it, run on a real Postgres with rows in place, taken back, and held against what was planned; what was planned is a
//! snapshot beside it. Beside these stand pairs of specs that nobody thought of.
//!
//! `CHANGES=view` runs those whose names have `view` in them, `CHANGES_ON=16,17` takes these versions of Postgres, and
//! `CHANGES_UPDATE=1` writes the snapshots.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod across;
mod busy;
mod case;
mod filled_table;
mod filling;
mod given;
mod halfway;
mod least;
mod meanwhile;
mod moved_table;
mod random;
mod renaming;
mod retyping;
mod run;
mod tables;

use case::Case;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many cases run at once: the server's processes need the other half of the machine.
const THREADS: usize = 3;

/// Runs every item on a few threads and returns what went wrong.
fn all<T: Sync>(items: &[T], run: impl Fn(&T) -> Vec<String> + Sync) -> Vec<String> {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS.min(items.len()) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = run(item);
                    failed.lock().unwrap().extend(found);
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    failed
}

#[test]
fn every_kind_of_change_goes_there_and_back() {
    let wanted = std::env::var("CHANGES").unwrap_or_default();
    let cases: Vec<Case> = Case::all().into_iter().filter(|case| case.name.contains(&wanted)).collect();
    assert!(!cases.is_empty(), "no case has {wanted:?} in its name");
    let failed = all(&cases, |case| {
        let mut wrong = Vec::new();
        for major in case.versions() {
            let found = std::panic::catch_unwind(|| case.check(major));
            let found = found.unwrap_or_else(|_| vec!["it panicked, see above".into()]);
            wrong.extend(found.into_iter().map(|what| format!("{} on {major}: {what}", case.name)));
        }
        wrong
    });
    assert!(failed.is_empty(), "{} findings\n{}", failed.len(), failed.join("\n"));
}

/// Stops every change of several files at each step, and takes it back. Gives how many there were.
fn stopped(cases: &[Case]) -> usize {
    let several = AtomicUsize::new(0);
    let failed = all(cases, |case| {
        let major = case.versions().first().copied().unwrap_or(15);
        let found = std::panic::catch_unwind(|| case.stopped(major));
        let found = found.unwrap_or_else(|_| Some(vec!["it panicked, see above".into()]));
        several.fetch_add(usize::from(found.is_some()), Ordering::Relaxed);
        found.unwrap_or_default().into_iter().map(|what| format!("{} on {major}: {what}", case.name)).collect()
    });
    assert!(failed.is_empty(), "{} findings\n{}", failed.len(), failed.join("\n"));
    several.into_inner()
}

#[test]
fn changes_that_stop_are_abandoned() {
    let sample = [
        "column_add_identity",
        "column_merged",
        "enum_labels_reordered",
        "key_change_under_references",
        "table_moved",
        "table_split",
    ];
    let cases: Vec<Case> = Case::all().into_iter().filter(|case| sample.contains(&case.name.as_str())).collect();
    assert_eq!(stopped(&cases), sample.len());
}

/// `cargo test -p specc-tests --test all -- --ignored changes::every_change`; `CHANGES=view` runs those with `view` in their names.
#[test]
#[ignore = "the long run: minutes"]
fn every_change_of_several_files_is_abandoned() {
    let wanted = std::env::var("CHANGES").unwrap_or_default();
    let cases: Vec<Case> = Case::all().into_iter().filter(|case| case.name.contains(&wanted)).collect();
    let several = stopped(&cases);
    assert!(several >= 30 || !wanted.is_empty(), "{several} changes of several files");
}

#[test]
fn no_change_takes_more_statements_than_it_needs() {
    let wrong = least::wrong();
    assert!(wrong.is_empty(), "{} of the changes\n{}", wrong.len(), wrong.join("\n"));
}

/// The seeds of a long run: `PAIRS` of them, or the usual number, from `SEED` on.
fn asked(usual: u64) -> std::ops::Range<u64> {
    let number = |name: &str, usual: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(usual);
    let seed = number("SEED", 1000);
    seed..seed + number("PAIRS", usual)
}

fn pairs(seeds: std::ops::Range<u64>) {
    let seeds: Vec<u64> = seeds.collect();
    let failed = all(&seeds, |seed| {
        std::panic::catch_unwind(|| random::check(*seed))
            .unwrap_or_else(|_| vec![format!("pair {seed} panicked, see above")])
    });
    assert!(failed.is_empty(), "{} of {} pairs\n{}", failed.len(), seeds.len(), failed.join("\n"));
}

#[test]
fn random_pairs_go_there_and_back() {
    pairs(0..30);
}

/// Branches from one base: what merges runs in either order, and is what both made.
fn branches(seeds: std::ops::Range<u64>) {
    let seeds: Vec<u64> = seeds.collect();
    let merged = AtomicUsize::new(0);
    let failed = all(&seeds, |seed| {
        let found = std::panic::catch_unwind(|| random::merge(*seed));
        let (is_merged, wrong) =
            found.unwrap_or_else(|_| (false, vec![format!("branches {seed} panicked, see above")]));
        merged.fetch_add(usize::from(is_merged), Ordering::Relaxed);
        wrong
    });
    assert!(failed.is_empty(), "{} of {} pairs\n{}", failed.len(), seeds.len(), failed.join("\n"));
    let merged = merged.into_inner();
    assert!(merged * 4 > seeds.len(), "only {merged} of {} pairs merged", seeds.len());
}

#[test]
fn random_branches_merge_in_either_order() {
    branches(0..25);
}

/// `cargo test -p specc-tests --test all -- --ignored changes::many_branches`; `PAIRS` and `SEED` say how many and from which.
#[test]
#[ignore = "the long run: minutes"]
fn many_branches_merge_in_either_order() {
    branches(asked(500));
}

fn renamings(seeds: std::ops::Range<u64>) {
    let seeds: Vec<u64> = seeds.collect();
    let failed = all(&seeds, |seed| {
        std::panic::catch_unwind(|| renaming::check(*seed))
            .unwrap_or_else(|_| vec![format!("renaming {seed} panicked, see above")])
    });
    assert!(failed.is_empty(), "{} of {} renamings\n{}", failed.len(), seeds.len(), failed.join("\n"));
}

#[test]
fn renaming_changes_nothing() {
    renamings(0..30);
}

fn exchanges(seeds: std::ops::Range<u64>) {
    let seeds: Vec<u64> = seeds.collect();
    let failed = all(&seeds, |seed| {
        std::panic::catch_unwind(|| renaming::permuting::check(*seed))
            .unwrap_or_else(|_| vec![format!("exchange {seed} panicked, see above")])
    });
    assert!(failed.is_empty(), "{} of {} exchanges\n{}", failed.len(), seeds.len(), failed.join("\n"));
}

#[test]
fn names_change_places_and_rows_follow() {
    exchanges(0..15);
}

/// `cargo test -p specc-tests --test all -- --ignored changes::many_exchanges`; `PAIRS` and `SEED` say how many and from which.
#[test]
#[ignore = "the long run: minutes"]
fn many_exchanges_of_names() {
    exchanges(asked(500));
}

/// `cargo test -p specc-tests --test all -- --ignored changes::many_renamings`; `PAIRS` and `SEED` say how many and from which.
#[test]
#[ignore = "the long run: minutes"]
fn many_renamings_change_nothing() {
    renamings(asked(2000));
}

/// `cargo test -p specc-tests --test all -- --ignored changes::long`; `PAIRS` and `SEED` say how many and from which.
#[test]
#[ignore = "the long run: minutes"]
fn long_run_of_random_pairs() {
    pairs(asked(2000));
}

fn retypings(seeds: std::ops::Range<u64>) {
    let seeds: Vec<u64> = seeds.collect();
    let planned = AtomicUsize::new(0);
    let failed = all(&seeds, |seed| match std::panic::catch_unwind(|| retyping::check(*seed)) {
        Ok(Ok(was)) => {
            planned.fetch_add(usize::from(was), Ordering::Relaxed);
            Vec::new()
        }
        Ok(Err(wrong)) => vec![wrong],
        Err(_) => vec![format!("retyping {seed} panicked, see above")],
    });
    assert!(failed.is_empty(), "{} of {} changes of types\n{}", failed.len(), seeds.len(), failed.join("\n"));
    let planned = planned.into_inner();
    assert!(planned * 20 > seeds.len(), "only {planned} of {} were planned", seeds.len());
}

#[test]
fn retyping_changes_no_value_in_silence() {
    retypings(0..60);
}

/// `cargo test -p specc-tests --test all -- --ignored changes::many_retypings`; `PAIRS` and `SEED` say how many and from which.
#[test]
#[ignore = "the long run: minutes"]
fn many_retypings_change_no_value_in_silence() {
    retypings(asked(500));
}

/// Every kind of object of the catalog, and what can be done to it, has cases.
#[test]
fn no_kind_of_object_is_forgotten() {
    let names: BTreeSet<String> = Case::all().into_iter().map(|case| case.name).collect();
    assert!(names.len() >= 110, "{} cases", names.len());
    let kinds = [
        "schema",
        "extension",
        "role",
        "enum",
        "domain",
        "composite",
        "sequence",
        "table",
        "column",
        "key",
        "unique",
        "check",
        "foreign",
        "exclusion",
        "index",
        "view",
        "materialized",
        "function",
        "procedure",
        "trigger",
        "policy",
        "grant",
        "owner",
        "realtime",
        "bucket",
        "schedule",
        "seed",
        "sql",
        "workflow",
        "limit",
        "maintained",
        "mixin",
        "several",
    ];
    for kind in kinds {
        assert!(names.iter().any(|name| name.starts_with(&format!("{kind}_"))), "no case changes a {kind}");
    }
    for name in &names {
        assert!(kinds.iter().any(|kind| name.starts_with(&format!("{kind}_"))), "{name} names no kind of object");
    }
}
