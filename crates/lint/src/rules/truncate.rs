//! A table is emptied
//!
//! Finds `truncate` of a table that the same file did not create.
//!
//! Why: all rows are lost, under an access exclusive lock on it and on every table that refers to it; row level
//! security and delete triggers are not asked.
//!
//! Instead, delete the rows that are meant, in batches; or say on the line above that all are.

use crate::rule::{Out, Scene};
use crate::statement::What;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::Truncate { tables, .. } = &scene.statement.what else { return };
    for table in tables.iter().filter(|table| scene.state.is_live(table)) {
        out.say(scene.span(table.place), format!("all rows of {} are lost", table.said()))
            .help("delete the rows that are meant, with `where`");
    }
}
