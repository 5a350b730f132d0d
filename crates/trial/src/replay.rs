//! A counterexample as a run: it says that a statement is let through.

use crate::access::made;
use crate::{Got, Run, Try, Wanted};
use specc_model::{Model, RuleAction};
use specc_prove::{Case, Expected, Fill, Samples, Step, Way};

/// What a server says of a counterexample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// The statement is let through.
    Allowed,
    /// It is not, and what came of it.
    Refused(String),
    /// Something else than the rules refuses it.
    NotSeen(String),
}

/// The rows of a counterexample with all that their tables ask for, and its statement. It reads nothing where it can do
/// without, and where that meets other rows too, it is tried on the one row as well.
///
/// # Errors
/// Why it cannot be run.
pub fn replay(model: &Model, case: &Case, samples: &Samples) -> Result<Run, String> {
    let fill = Fill::new(model, samples);
    let whole = case.complete(model)?;
    let step = whole.steps.last().ok_or("it does nothing")?;
    let row = step.old.or(step.new);
    // What is done before it, in the same statement text: what comes of the last counts.
    let before: &[Step] = &whole.steps[..whole.steps.len() - 1];
    let way = |step: &Step| if step.command == RuleAction::Insert { Way::Values } else { Way::Keyed };
    let before = before.iter().map(|step| whole.statement(&fill, step, way(step), step.old.or(step.new)));
    let before: String = before.collect::<Result<Vec<_>, _>>()?.into_iter().map(|sql| sql + "; ").collect();
    let ways: &[Way] = match step.command {
        RuleAction::Insert => &[Way::Values],
        RuleAction::Select => &[Way::Keyed, Way::All],
        RuleAction::Update | RuleAction::Delete => &[Way::All, Way::Keyed],
    };
    let mut tries = Vec::new();
    let mut why = String::new();
    for way in ways {
        match whole.statement(&fill, step, *way, row) {
            Ok(sql) => {
                let (sql, expected) = (format!("{before}{sql}"), Wanted::Access(Expected::Rows(1)));
                tries.push(Try { command: step.command, sql, expected, about: String::new(), sees: Vec::new() });
            }
            Err(error) => why = error,
        }
    }
    if tries.is_empty() {
        return Err(why);
    }
    let mut run = made(model, &fill, &whole, tries)?;
    run.table = row.map(|row| specc_prove::table(model, whole.rows[row].entity)).unwrap_or_default();
    Ok(run)
}

/// Whether one of the statements of a replayed counterexample was let through.
pub fn allowed(got: &[Got]) -> Verified {
    let said = || got.iter().map(Got::words).collect::<Vec<_>>().join("; ");
    if got.iter().any(|got| matches!(got, Got::Rows(rows) if *rows > 0)) {
        return Verified::Allowed;
    }
    // A reference that keeps a row is asked after the rules have let its deletion pass.
    let passed = |got: &Got| matches!(got, Got::Error(state, ..) if state == "23503");
    if got.iter().any(passed) {
        return Verified::Allowed;
    }
    let denied = |got: &Got| matches!(got, Got::Rows(_)) || matches!(got, Got::Error(state, ..) if state == "42501");
    if got.iter().all(denied) { Verified::Refused(said()) } else { Verified::NotSeen(said()) }
}
