//! Every row is deleted
//!
//! Finds `delete` without `where` on a table that the same file did not create.
//!
//! Why: all rows are lost, and until it ends whoever changes one of them waits.
//!
//! Instead, name the rows with `where`; or say on the line above that all are meant.

use crate::rule::{Out, Scene};
use crate::statement::{Change, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::Rows(rows) = &scene.statement.what else { return };
    let all = rows.condition.as_deref().is_none_or(|text| text.trim() == "true");
    if rows.kind == Change::Delete && all && scene.state.is_live(&rows.table) {
        out.say(scene.span(rows.table.place), format!("every row of {} is deleted", rows.table.said()))
            .help("name the rows with `where`");
    }
}
