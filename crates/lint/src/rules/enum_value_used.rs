//! An enum value is used in the transaction that adds it
//!
//! Finds `alter type … add value` and, later in the same transaction, a statement that has the value as a string
//! which is cast to the type, or stands with a column of it: compared, assigned, inserted, or as its default. Where no file
//! says what type a column has, it may be this one. What stands in the body of a function is only read when it runs, and
//! does not count.
//!
//! Why: Postgres refuses it (55P04): a new value can be used after its transaction has ended.
//!
//! Instead, add the value in a file of its own.

use crate::cursor::Cursor;
use crate::rule::{Out, Scene};
use crate::rules::of_type::OfType;
use crate::statement::What;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let labels: Vec<_> = scene.state.labels.iter().filter(|label| label.tx == scene.state.tx).collect();
    if labels.is_empty() || matches!(scene.statement.what, What::AddValue { .. } | What::Function { .. }) {
        return;
    }
    let (start, end) = scene.statement.place;
    let words = Cursor::new(scene.text, start, end);
    for label in labels.into_iter().filter(|label| label.at.file == scene.state.file) {
        let of_type = OfType::new(scene, &label.ty);
        for place in of_type.places(&words, &label.value) {
            let message =
                format!("`{}` is added in the same transaction, and cannot be used before its end", label.value);
            out.say(scene.span(place), message)
                .also(label.at, "added here")
                .help("add the value in a file of its own, which runs before");
        }
    }
}
