//! Tests that nobody wrote: what the rules of a spec say, tried on a real database.
//!
//! This crate makes the databases, the statements and what should come of them; who runs them hands back what came of
//! them. Rows are loaded by the owner with all constraints on, in one statement, so that rows may refer to each other in a
//! circle; triggers that fire on an insert are off meanwhile, because they would change what was meant. Then everything
//! runs as it would in production: the role and its claims are taken on, all triggers are there, and each statement is
//! undone before the next.

mod access;
mod bench;
mod constraints;
mod grants;
mod kept;
mod limits;
mod mutants;
mod outcome;
mod pgtap;
mod replay;
mod report;
mod rows;
mod workflows;

pub use access::{access, made, referred, samples_of, settings};
pub use constraints::constraints;
pub use grants::{Privilege, privileges};
pub use kept::kept;
pub use limits::limits;
pub use mutants::{Mutant, Score, mutants};
pub use outcome::{Got, Outcome, Verdict, is_worth_another, verdict};
pub use pgtap::{TEST_FILE, pgtap};
pub use replay::{Verified, allowed, replay};
pub use report::{Report, Tested};
pub use rows::{Answer, Asked, answer};
pub use workflows::workflows;

use specc_diag::Span;
use specc_model::RuleAction;
use specc_prove::Expected;

/// The function that tries a [`Run`]:
/// `pg_temp.specc_trial(tables, load, emptied, quiet, firing, role, settings, statements)`.
pub const HARNESS: &str = include_str!("harness.sql");

/// The function that answers questions: `pg_temp.specc_asked(questions)`, see [`answer`].
pub const ASKED: &str = include_str!("asked.sql");

/// Tests of one kind.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// What they are about.
    pub name: &'static str,
    /// In the order of the spec.
    pub runs: Vec<Run>,
    /// What is not run, and why.
    pub skipped: Vec<Skipped>,
    /// What the spec says that its tests are about, beside rules.
    pub promises: Vec<Promised>,
    /// What is tried by two at once.
    pub races: Vec<Race>,
}

/// Something that the spec says of an entity.
#[derive(Clone, Debug)]
pub struct Promised {
    /// The entity as messages name it.
    pub entity: String,
    /// What it is.
    pub what: String,
    /// Where it stands.
    pub span: Span,
}

/// What two sessions do at once, each in a transaction of its own.
#[derive(Clone, Debug)]
pub struct Race {
    /// The entity as messages name it.
    pub entity: String,
    /// What is tried.
    pub what: String,
    /// Inserts of the rows, while no trigger fires.
    pub load: Vec<String>,
    /// Statements that come before, while those fire that fire for the two.
    pub before: Vec<String>,
    /// Tables whose triggers are off unless named, quoted.
    pub tables: Vec<String>,
    /// Triggers that fire all the same: a regular expression over their names.
    pub only: String,
    /// What each of the two does.
    pub statements: [String; 2],
    /// How many of the two may be let through.
    pub most: usize,
    /// With which SQLSTATE one of them may be refused.
    pub refusals: Vec<String>,
    /// A query that gives `true` if all is well afterwards.
    pub holds: String,
    /// What it is about.
    pub span: Span,
}

/// A database, who asks, and what she tries.
#[derive(Clone, Debug, Default)]
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
    /// Triggers that fire while statements are tried: a regular expression over their names. None: all.
    pub only: Option<String>,
    /// The role; empty for the owner.
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
    pub expected: Wanted,
    /// What it is about, where that is not the run's role and command.
    pub about: String,
    /// The promises without which something else would come of it, by their places in the suite.
    pub sees: Vec<usize>,
}

/// What should come of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// What the rules say; if something else refuses what they let pass, they were not seen to be right or wrong.
    Access(Expected),
    /// So many rows, and nothing may be in the way.
    Rows(u64),
    /// It is refused with one of these SQLSTATEs, by one of these constraints or columns; by anything where there is none.
    Refused {
        /// SQLSTATEs.
        states: Vec<String>,
        /// Names.
        by: Vec<String>,
    },
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
pub fn words(expected: &Wanted) -> String {
    match expected {
        Wanted::Access(Expected::Rows(1)) | Wanted::Rows(1) => "1 row".to_owned(),
        Wanted::Access(Expected::Rows(rows)) | Wanted::Rows(rows) => format!("{rows} rows"),
        Wanted::Access(Expected::Denied) => "refused for want of a right (42501)".to_owned(),
        Wanted::Access(Expected::Kept) => "refused by a reference (23503)".to_owned(),
        Wanted::Refused { states, by } if by.is_empty() => format!("refused ({})", states.join(" or ")),
        Wanted::Refused { states, by } => format!("refused by {} ({})", by.join(" or "), states.join(" or ")),
    }
}
