//! Twenty seconds of each target of the fuzzer, without its eyes for coverage: mutated samples. `FUZZ_SECONDS=600 FUZZ_SEED=7` makes
//! it longer and another. The fuzzer itself is under `tests/fuzz`.

#![allow(clippy::disallowed_methods)]

use specc_tests::fuzz::mutate::{Dice, mutated};
use specc_tests::fuzz::{Fuzzed, TARGETS, samples};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

fn number(name: &str, other: u64) -> u64 {
    std::env::var(name).map_or(other, |value| value.parse().expect("a number"))
}

/// The text that does not hold, and why.
fn fault(target: &Fuzzed, text: &str) -> Option<String> {
    let found = catch_unwind(AssertUnwindSafe(|| (target.holds)(text)));
    let what = match found {
        Ok(Ok(())) => return None,
        Ok(Err(what)) => what,
        Err(_) => "a panic, see above".to_owned(),
    };
    Some(format!("{}: {what}\n{text}", target.name))
}

/// What the repository has, as it is.
fn of_samples(target: &Fuzzed) -> Vec<String> {
    let samples = samples(target.name);
    let found: Vec<String> = samples.iter().filter_map(|text| fault(target, text)).collect();
    assert!(found.is_empty(), "{}", found.join("\n\n"));
    samples
}

fn fuzz(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    // Nesting is bounded, and has to fit where the command line runs it.
    let run = || {
        let samples = of_samples(target);
        let end = Instant::now() + Duration::from_secs(number("FUZZ_SECONDS", 20));
        let mut dice = Dice::new(number("FUZZ_SEED", 1));
        let mut tried = 0;
        while Instant::now() < end {
            let text = mutated(&mut dice, &samples);
            tried += 1;
            if let Some(fault) = fault(target, &text) {
                panic!("after {tried} texts, {fault}");
            }
        }
        assert!(tried > 20, "{tried} texts");
    };
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(run).expect("a thread");
    assert!(thread.join().is_ok(), "see above");
}

#[test]
fn a_spec_is_built_or_refused() {
    fuzz("spec");
}

#[test]
fn a_spec_is_laid_out_once_and_for_all() {
    fuzz("format");
}

#[test]
fn a_migration_is_linted() {
    fuzz("lint");
}

#[test]
fn access_is_decided_or_said_not_to_be() {
    fuzz("access");
}

#[test]
fn types_are_written() {
    fuzz("types");
}

#[test]
fn what_is_stored_is_read_or_refused() {
    fuzz("stored");
}
