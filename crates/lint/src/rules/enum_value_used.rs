//! An enum value is used in the transaction that adds it
//!
//! Finds `alter type … add value` and, later in the same transaction, a statement that has the value as a string. What
//! stands in the body of a function is only read when it runs, and does not count.
//!
//! Why: Postgres refuses it (55P04): a new value can be used after its transaction has ended.
//!
//! Instead, add the value in a file of its own.

use crate::cursor::Cursor;
use crate::rule::{Out, Scene};
use crate::statement::What;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let labels: Vec<_> = scene.state.labels.iter().filter(|(_, _, tx)| *tx == scene.state.tx).collect();
    if labels.is_empty() || matches!(scene.statement.what, What::AddValue { .. } | What::Function { .. }) {
        return;
    }
    let (start, end) = scene.statement.place;
    let file = scene.state.file;
    for (text, place) in Cursor::new(scene.text, start, end).strings() {
        if let Some((_, added, _)) = labels.iter().find(|(label, at, _)| *label == text && at.file == file) {
            out.say(
                scene.span(place),
                format!("`{text}` is added in the same transaction, and cannot be used before its end"),
            )
            .also(*added, "added here")
            .help("add the value in a file of its own, which runs before");
        }
    }
}
