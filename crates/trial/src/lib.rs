//! Tests that nobody wrote: what the rules of a spec say, tried on a real database.
//!
//! This crate makes the databases, the statements and what should come of them; who runs them hands back what came of
//! them. Rows are loaded by the owner with all constraints on, in one statement, so that rows may refer to each other in a
//! circle; triggers that fire on an insert are off meanwhile, because they would change what was meant. Then everything
//! runs as it would in production: the role and its claims are taken on, all triggers are there, and each statement is
//! undone before the next.

mod access;
mod grants;
mod junit;
mod mutants;
mod outcome;
mod pgtap;
mod replay;
mod report;

pub use access::{access, referred, samples_of};
pub use grants::{Privilege, privileges};
pub use junit::{TestCase, junit};
pub use mutants::{Mutant, Score, mutants};
pub use outcome::{Got, Outcome, Verdict, is_worth_another, verdict};
pub use pgtap::pgtap;
pub use replay::{Verified, allowed, replay};
pub use report::{Report, Tested};

use specc_diag::Span;
use specc_model::RuleAction;
use specc_prove::Expected;

/// The function that tries a [`Run`]: `pg_temp.specc_trial(tables, load, emptied, quiet, role, settings, statements)`.
pub const HARNESS: &str = include_str!("harness.sql");

/// Tests of one kind.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// What they are about.
    pub name: &'static str,
    /// In the order of the spec.
    pub runs: Vec<Run>,
    /// What is not run, and why.
    pub skipped: Vec<Skipped>,
}

/// A database, who asks, and what she tries.
#[derive(Clone, Debug)]
pub struct Run {
    /// The entity that it is about.
    pub entity: String,
    /// Tables that get rows, quoted.
    pub tables: Vec<String>,
    /// One statement that makes all rows; empty where there are none.
    pub load: String,
    /// The table that is written, quoted.
    pub table: String,
    /// The table that rows are deleted from, if it is that: triggers that make something else of it are off.
    pub emptied: Option<String>,
    /// The role.
    pub role: String,
    /// Names of settings, each with its value after it: who asks, and the claims.
    pub settings: Vec<String>,
    /// The case in words: who asks, and the rows.
    pub lines: Vec<String>,
    /// What it shows: the place of a condition, and what is so.
    pub aims: Vec<(Option<Span>, String)>,
    /// The rules that decide.
    pub rules: Vec<Span>,
    /// Each undone before the next.
    pub tries: Vec<Try>,
    /// The changed rules that it sees, by their places.
    pub kills: Vec<usize>,
}

/// A statement and what should come of it.
#[derive(Clone, Debug)]
pub struct Try {
    /// The command.
    pub command: RuleAction,
    /// The statement.
    pub sql: String,
    /// What should come of it.
    pub expected: Expected,
}

/// What is not run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// The entity.
    pub entity: String,
    /// What would have been tried: a role and a command.
    pub what: String,
    /// Why it is not.
    pub why: String,
    /// Where that stands.
    pub span: Option<Span>,
}

/// What should come of a statement, in words.
pub fn words(expected: Expected) -> String {
    match expected {
        Expected::Rows(1) => "1 row".to_owned(),
        Expected::Rows(rows) => format!("{rows} rows"),
        Expected::Denied => "refused for want of a right (42501)".to_owned(),
        Expected::Kept => "refused by a reference (23503)".to_owned(),
    }
}
