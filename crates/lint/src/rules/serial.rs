//! A serial where an identity would do
//!
//! Finds `serial`, `bigserial` and `smallserial` columns.
//!
//! Why: the sequence is an object of its own, with its own grants and owner, and everybody may write past it.
//!
//! Instead `bigint generated always as identity`.

use crate::rule::{Out, Scene};
use crate::rules::new_columns;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    for column in new_columns(scene).into_iter().filter(|column| column.is_serial()) {
        let message = format!("`{}` has a sequence with grants of its own", column.name);
        out.say(scene.span(column.ty_place), message).help("write `bigint generated always as identity`");
    }
}
