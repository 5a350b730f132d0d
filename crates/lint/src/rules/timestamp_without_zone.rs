//! A time without a time zone
//!
//! Finds `timestamp` columns.
//!
//! Why: it is no point in time: two clients in different zones read different moments, and an hour is there twice each
//! autumn.
//!
//! Instead `timestamptz`, which is stored in UTC and takes the same eight bytes.

use crate::rule::{Out, Scene};
use crate::rules::new_columns;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    for column in new_columns(scene) {
        if column.ty.as_ref().is_some_and(|ty| ty.schema.is_empty() && ty.name == "timestamp") {
            out.say(scene.span(column.ty_place), format!("`{}` is no point in time", column.name))
                .help("write `timestamptz`");
        }
    }
}
