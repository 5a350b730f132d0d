//! What was tested, and what came of it.

use crate::{Got, Outcome, Privilege, Promised, Race, Run, Skipped, Suite, Verdict, verdict, words};
use specc_diag::Span;
use specc_diag::TestCase;
use std::collections::BTreeSet;

/// A test and what came of it.
#[derive(Clone, Debug)]
pub struct Tested {
    /// The suite.
    pub suite: &'static str,
    /// The entity.
    pub entity: String,
    /// The role and the command.
    pub what: String,
    /// Who asks, and the rows.
    pub lines: Vec<String>,
    /// What was done.
    pub statement: String,
    /// The statement that makes the rows.
    pub load: String,
    /// What should have come of it.
    pub expected: String,
    /// What came of it.
    pub got: String,
    /// Whether that is the same.
    pub verdict: Verdict,
    /// The rules that decide.
    pub rules: Vec<Span>,
    /// Conditions, and what they are in this database.
    pub aims: Vec<(Option<Span>, String)>,
}

/// All tests.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order in which they ran.
    pub tested: Vec<Tested>,
    /// What is not run.
    pub skipped: Vec<Skipped>,
    /// Databases that were made.
    pub databases: usize,
    /// The changed rules that tests which passed would have seen.
    pub killed: BTreeSet<usize>,
    /// What the spec says beside rules, and whether a test that passed would fail without it.
    pub promises: Vec<(Promised, bool)>,
}

impl Report {
    /// Adds what came of a suite, a result for each run.
    pub fn add(&mut self, suite: &Suite, results: &[Result<Outcome, String>]) {
        self.skipped.extend(suite.skipped.iter().cloned());
        let mut seen = BTreeSet::new();
        for (run, result) in suite.runs.iter().zip(results) {
            match result {
                Ok(Outcome { got, .. }) => {
                    self.databases += 1;
                    let passed = |(one, got): (&crate::Try, &Got)| verdict(&one.expected, got) == Verdict::Passed;
                    if run.tries.iter().zip(got).all(passed) {
                        self.killed.extend(&run.kills);
                    }
                    let held = run.tries.iter().zip(got).filter(|pair| passed(*pair));
                    seen.extend(held.flat_map(|(one, _)| one.sees.iter().copied()));
                    self.tested.extend(run.tries.iter().zip(got).map(|(one, got)| tested(suite.name, run, one, got)));
                }
                Err(why) => self.skipped.push(Skipped {
                    entity: run.entity.clone(),
                    what: what(run),
                    why: format!("Postgres does not take its rows: {why}"),
                    span: run.rules.first().copied(),
                }),
            }
        }
        let promises = suite.promises.iter().enumerate();
        self.promises.extend(promises.map(|(at, promised)| (promised.clone(), seen.contains(&at))));
        let not_seen = |one: &Tested| match &one.verdict {
            Verdict::NotSeen(why) => Some(Skipped {
                entity: one.entity.clone(),
                what: one.what.clone(),
                why: format!("the rules let it pass, and something else refuses it: {why}"),
                span: one.rules.first().copied(),
            }),
            _ => None,
        };
        self.skipped.extend(self.tested.iter().filter_map(not_seen));
        self.tested.retain(|one| !matches!(one.verdict, Verdict::NotSeen(_)));
        self.skipped.sort();
        self.skipped.dedup();
    }

    /// Adds privileges, and whether each is there.
    pub fn add_privileges(&mut self, all: &[Privilege], there: &[bool]) {
        let word = |yes: bool| if yes { "granted" } else { "not granted" };
        for (privilege, there) in all.iter().zip(there) {
            let column = privilege.column.as_ref().map(|column| format!(" ({column})")).unwrap_or_default();
            self.tested.push(Tested {
                suite: "grants",
                entity: privilege.entity.clone(),
                what: format!("{} as {}", privilege.command.word(), privilege.role),
                lines: Vec::new(),
                statement: format!("{}{column} on {} to {}", privilege.command.word(), privilege.table, privilege.role),
                load: String::new(),
                expected: word(privilege.expected).to_owned(),
                got: word(*there).to_owned(),
                verdict: if privilege.expected == *there { Verdict::Passed } else { Verdict::Failed },
                rules: vec![privilege.span],
                aims: Vec::new(),
            });
        }
    }

    /// Adds what came of two sessions at once: nothing if all is well, or what is wrong.
    pub fn add_race(&mut self, race: &Race, wrong: Option<&str>) {
        self.databases += 1;
        self.tested.push(Tested {
            suite: "together",
            entity: race.entity.clone(),
            what: race.what.clone(),
            lines: Vec::new(),
            statement: race.statements.join("\n    at once: "),
            load: race.load.join("; "),
            expected: format!("{} let through, and `{}`", race.most, race.holds),
            got: wrong.unwrap_or("as it should be").to_owned(),
            verdict: if wrong.is_none() { Verdict::Passed } else { Verdict::Failed },
            rules: vec![race.span],
            aims: Vec::new(),
        });
    }

    /// What the spec says beside rules that no test which passed would miss.
    pub fn unseen(&self) -> impl Iterator<Item = &Promised> {
        self.promises.iter().filter(|(_, seen)| !seen).map(|(promised, _)| promised)
    }

    /// The tests that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Tested> {
        self.tested.iter().filter(|one| one.verdict == Verdict::Failed)
    }

    /// As cases of JUnit, each with a name of its own.
    pub fn cases(&self) -> Vec<TestCase> {
        let mut cases: Vec<TestCase> = Vec::new();
        for (at, one) in self.tested.iter().enumerate() {
            let failed = one.verdict == Verdict::Failed;
            let failure = format!(
                "expected {}, got {}\n{}\n{}\n{}",
                one.expected,
                one.got,
                one.lines.join("\n"),
                one.load,
                one.statement
            );
            cases.push(TestCase {
                class: format!("{}.{}", one.suite, one.entity),
                name: format!("{} #{}", one.what, at + 1),
                failure: failed.then_some(failure),
                skipped: None,
            });
        }
        for (at, skipped) in self.skipped.iter().enumerate() {
            cases.push(TestCase {
                class: format!("not run.{}", skipped.entity),
                name: format!("{} #{}", skipped.what, at + 1),
                failure: None,
                skipped: Some(skipped.why.clone()),
            });
        }
        cases
    }
}

fn what(run: &Run) -> String {
    let command = run.tries.first().map_or("", |one| one.command.word());
    if run.role.is_empty() {
        return run.lines.first().cloned().unwrap_or_default();
    }
    format!("{command} as {}", run.role)
}

fn tested(suite: &'static str, run: &Run, one: &crate::Try, got: &Got) -> Tested {
    Tested {
        suite,
        entity: run.entity.clone(),
        what: if one.about.is_empty() { what(run) } else { one.about.clone() },
        lines: run.lines.clone(),
        statement: one.sql.clone(),
        load: run.load.clone(),
        expected: words(&one.expected),
        got: got.words(),
        verdict: verdict(&one.expected, got),
        rules: run.rules.clone(),
        aims: run.aims.clone(),
    }
}
