//! Pairs of specs that nobody thought of: a random project, and what random edits make of it.

mod edit;
mod project;

use crate::changes::given::{Given, compile};
use crate::changes::run::{self, Way};
use edit::Edit;
use project::Project;
use specc_catalog::{Catalog, Hints};
use specc_model::Target;
use specc_postgres::shared;
use specc_tests::Dice;

/// What an author has to say more about, as `specc build` rightly asks.
const NO_CAST: &str = "Postgres makes no value of the new type by itself";

/// A project and edits of it.
struct Pair {
    seed: u64,
    before: Project,
    edits: Vec<Edit>,
}

impl Pair {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let before = Project::random(&mut dice, seed);
        let edits = (0..1 + dice.below(8)).map(|_| Edit(dice.number())).collect();
        Self { seed, before, edits }
    }

    fn after(&self) -> Project {
        let mut after = self.before.clone();
        after.forget_names();
        self.edits.iter().for_each(|edit| edit.apply(&mut after));
        after
    }

    fn texts(&self) -> [String; 2] {
        [self.before.text(), self.after().text()]
    }

    /// What goes wrong on the way there and back.
    fn check(&self) -> Vec<String> {
        let [before, after] = self.texts();
        let given = |name: &str, text: &str| compile(name, text, Target::Postgres, true);
        let (from, to) = match (given("before", &before), given("after", &after)) {
            (Ok(from), Ok(to)) => (from, to),
            (from, to) => return from.err().into_iter().chain(to.err()).collect(),
        };
        let major = if self.seed.is_multiple_of(5) { 18 } else { 15 };
        let mut way = Way::empty(&from, &to, major);
        let mut dropped = Vec::new();
        // Whatever looks like a rename here is none.
        for candidate in &specc_diff::diff(&from.catalog, &to.catalog, &to.hints).rename_candidates {
            dropped.push(candidate.gone.to_string());
        }
        way.dropped = &dropped;
        let mut outcome = match way.go() {
            Ok(outcome) => outcome,
            Err(stopped) => return vec![stopped],
        };
        // What would stall others has its own flag.
        if outcome.summary.contains("refused: everyone would have to wait") {
            way.offline = true;
            outcome = match way.go() {
                Ok(outcome) => outcome,
                Err(stopped) => return vec![stopped],
            };
        }
        let is_wrong = |line: &&str| line.starts_with("refused: ") && !line.contains(NO_CAST);
        let refused = outcome.summary.lines().filter(is_wrong).map(str::to_owned);
        outcome.wrong.extend(refused);
        outcome.wrong
    }

    /// The same with as few edits as still go wrong.
    fn shrunk(mut self) -> Self {
        let mut at = 0;
        while at < self.edits.len() {
            let edit = self.edits.remove(at);
            if self.check().is_empty() {
                self.edits.insert(at, edit);
                at += 1;
            }
        }
        self
    }
}

/// Checks one pair; what goes wrong comes with the smallest pair that was found.
pub fn check(seed: u64) -> Vec<String> {
    let pair = Pair::new(seed);
    if pair.check().is_empty() {
        return Vec::new();
    }
    let pair = pair.shrunk();
    let [before, after] = pair.texts();
    vec![format!("pair {seed}: {}\n--- before\n{before}--- after\n{after}", pair.check().join("\n"))]
}

/// Two branches of a project: what each makes of it.
fn branches(seed: u64) -> Result<[Given; 3], String> {
    let mut dice = Dice::new(seed ^ 0x6272_616e_6368);
    let base = Project::random(&mut dice, seed);
    let mut branch = || {
        let mut after = base.clone();
        after.forget_names();
        (0..1 + dice.below(3)).for_each(|_| Edit(dice.number()).apply(&mut after));
        after.text()
    };
    let [ours, theirs] = [branch(), branch()];
    let given = |name: &str, text: &str| compile(name, text, Target::Postgres, true);
    Ok([given("base", &base.text())?, given("ours", &ours)?, given("theirs", &theirs)?])
}

/// Whether two branches merge; and if so, what goes wrong when their migrations run in either order.
pub fn merge(seed: u64) -> (bool, Vec<String>) {
    let [base, ours, theirs] = match branches(seed) {
        Ok(all) => all,
        Err(error) => return (false, vec![format!("branches {seed}: {error}")]),
    };
    let Ok(merged) = specc_catalog::merge(&base.catalog, &ours.catalog, &theirs.catalog) else {
        return (false, Vec::new());
    };
    let major = if seed.is_multiple_of(5) { 18 } else { 15 };
    let mut wrong = Vec::new();
    for order in [[&ours, &theirs], [&theirs, &ours]] {
        if let Err(error) = in_order(&base, order, &merged, major)
            && !error.contains(NO_CAST)
        {
            wrong.push(format!("branches {seed} on {major}: {error}"));
        }
    }
    (true, wrong)
}

/// Runs the migrations of both branches, planned from the same base, and compares with what was merged.
fn in_order(base: &Given, order: [&Given; 2], merged: &Catalog, major: u32) -> Result<(), String> {
    let db = shared(major).empty_database().map_err(|error| error.to_string())?;
    let mut session = db.connect().map_err(|error| error.to_string())?;
    run::load(&mut session, "base", &run::script(&base.catalog)?)?;
    for branch in order {
        run::change(&mut session, &base.catalog, branch)?;
    }
    let got = run::read(&mut session)?;
    let fresh = shared(major).empty_database().map_err(|error| error.to_string())?;
    let mut session = fresh.connect().map_err(|error| error.to_string())?;
    run::load(&mut session, "merged", &run::script(merged)?)?;
    let wanted = run::read(&mut session)?;
    let lines: Vec<String> = specc_diff::lines(&specc_diff::diff(&got, &wanted, &Hints::default()))
        .iter()
        .map(ToString::to_string)
        .collect();
    if lines.is_empty() { Ok(()) } else { Err(lines.join("\n")) }
}
