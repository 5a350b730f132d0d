//! A statement that is not understood
//!
//! Finds statements and actions of `alter table` that no rule can judge, calls and texts put together in `do`
//! blocks, which may run anything, and what only psql understands. A file that cannot be taken into statements at all is an error.
//!
//! Why: what is not read is not checked, and that should be known.
//!
//! Instead, write what a `do` block puts together as statements of its own, where that is possible; otherwise read it with the
//! other pages at hand (`specc explain`).

use crate::finding::Finding;
use crate::rule::{Out, Scene};
use crate::rules::RULES;
use crate::script::Script;
use crate::statement::{Action, What};
use specc_diag::{FileId, Severity, Span};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let place = scene.statement.place;
    let text = scene.text.get(place.0..place.1).unwrap_or_default();
    let line = (place.0, place.0 + text.lines().next().map_or(0, str::len));
    match &scene.statement.what {
        What::Unknown => {
            out.say(scene.span(line), "this is not understood, and was not checked");
        }
        What::Block => {
            out.say(scene.span(line), "what this runs is not read, and was not checked");
        }
        What::AlterTable(alter) => {
            for (_, place) in alter.actions.iter().filter(|(action, _)| matches!(action, Action::Unknown)) {
                out.say(scene.span(*place), "this is not understood, and was not checked");
            }
        }
        _ => {}
    }
}

/// What could not be taken into statements.
pub(crate) fn unread(file: FileId, script: &Script) -> Vec<Finding> {
    let at = |line: usize| Span::new(file, script.line_start(line), script.line_start(line));
    let skipped =
        |line: &usize| Finding::new(&RULES[0], at(*line), "this is for psql alone, and was not checked".into());
    let mut all: Vec<_> = script.skipped.iter().map(skipped).collect();
    if let Some(error) = &script.error {
        let mut finding =
            Finding::new(&RULES[0], at(error.line), format!("nothing of this file was checked: {}", error.message));
        finding.level = Severity::Error;
        all.push(finding);
    }
    all
}
