//! What came of a statement, held against what should.

use crate::Wanted;
use specc_prove::Expected;

/// What came of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    /// So many rows were read or written.
    Rows(u64),
    /// Postgres refused it: the SQLSTATE, the constraint or the column that it names (`-` for none), and the message.
    Error(String, String, String),
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Of each statement.
    pub got: Vec<Got>,
    /// A trigger of the author's refused something, and what is said of that comes from a second try without them.
    pub quiet: bool,
}

/// What a statement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Passed,
    /// Otherwise.
    Failed,
    /// Something else than the rules refused it, so that they were not seen to be right or wrong.
    NotSeen(String),
}

impl Got {
    /// An outcome as the harness writes it; none where it is no such thing.
    pub fn read(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(' ')?;
        match kind {
            "rows" => rest.parse().ok().map(Got::Rows),
            "error" => {
                let (state, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                let (by, message) = rest.split_once(' ').unwrap_or((rest, ""));
                Some(Got::Error(state.to_owned(), by.to_owned(), message.to_owned()))
            }
            _ => None,
        }
    }

    /// In words.
    pub fn words(&self) -> String {
        match self {
            Got::Rows(1) => "1 row".to_owned(),
            Got::Rows(rows) => format!("{rows} rows"),
            Got::Error(state, _, message) => format!("{message} ({state})"),
        }
    }
}

/// Whether a trigger of the author's may have refused what the rules let pass, so that it says more without them.
pub fn is_worth_another(expected: &Wanted, got: &Got) -> bool {
    matches!(verdict(expected, got), Verdict::NotSeen(_))
}

/// Whether what came of it is what should have.
pub fn verdict(expected: &Wanted, got: &Got) -> Verdict {
    let is = |yes: bool| if yes { Verdict::Passed } else { Verdict::Failed };
    match (expected, got) {
        (Wanted::Access(expected), got) => of_rules(*expected, got),
        (Wanted::Rows(wanted), Got::Rows(rows)) => is(wanted == rows),
        (Wanted::Refused { states, by: names }, Got::Error(state, by, _)) => {
            // A name is one word there.
            let is_named = |name: &String| name.replace(' ', "_") == *by;
            is(states.contains(state) && (names.is_empty() || names.iter().any(is_named)))
        }
        _ => Verdict::Failed,
    }
}

/// Whether the rules decided as they should.
fn of_rules(expected: Expected, got: &Got) -> Verdict {
    let is = |yes: bool| if yes { Verdict::Passed } else { Verdict::Failed };
    match (expected, got) {
        (Expected::Rows(wanted), Got::Rows(rows)) => is(wanted == *rows),
        (Expected::Denied, Got::Error(state, ..)) if state == "42501" => Verdict::Passed,
        (Expected::Kept, Got::Error(state, ..)) if state == "23503" => Verdict::Passed,
        (_, Got::Rows(_)) => Verdict::Failed,
        (_, Got::Error(state, ..)) if state == "42501" => Verdict::Failed,
        // Postgres asks the rules before the constraints of a new row: one that meets a constraint has passed them.
        (Expected::Denied, Got::Error(state, ..)) if state.starts_with("23") => Verdict::Failed,
        (Expected::Rows(0), Got::Error(..)) => Verdict::Failed,
        (_, Got::Error(..)) => Verdict::NotSeen(got.words()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_held_against_what_should_be() {
        let error = |state: &str| Got::Error(state.to_owned(), "c".to_owned(), "no".to_owned());
        let of = |expected, got: &Got| verdict(&Wanted::Access(expected), got);
        assert_eq!(of(Expected::Rows(1), &Got::Rows(1)), Verdict::Passed);
        assert_eq!(of(Expected::Rows(1), &Got::Rows(0)), Verdict::Failed);
        assert_eq!(of(Expected::Rows(0), &error("P0001")), Verdict::Failed);
        assert_eq!(of(Expected::Denied, &error("42501")), Verdict::Passed);
        assert_eq!(of(Expected::Denied, &error("23505")), Verdict::Failed);
        assert_eq!(of(Expected::Denied, &Got::Rows(0)), Verdict::Failed);
        assert!(matches!(of(Expected::Rows(1), &error("P0001")), Verdict::NotSeen(_)));
        // What is no question of rules is as it is said, or wrong.
        assert_eq!(verdict(&Wanted::Rows(1), &error("P0001")), Verdict::Failed);
        let by = |name: &str| Wanted::Refused { states: vec!["23505".into()], by: vec![name.into()] };
        assert_eq!(verdict(&by("c"), &error("23505")), Verdict::Passed);
        assert_eq!(verdict(&by("d"), &error("23505")), Verdict::Failed);
        assert_eq!(verdict(&by("c"), &error("23503")), Verdict::Failed);
        assert_eq!(verdict(&by("c"), &Got::Rows(1)), Verdict::Failed);
        assert_eq!(Got::read("rows 3"), Some(Got::Rows(3)));
        assert_eq!(
            Got::read("error 42501 - permission denied"),
            Some(Got::Error("42501".into(), "-".into(), "permission denied".into()))
        );
        assert_eq!(Got::read("load 23505 x"), None);
    }
}
