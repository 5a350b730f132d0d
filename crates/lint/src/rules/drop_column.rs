//! A column is dropped with its values
//!
//! Finds `drop column` on a table in use, unless the same file added the column.
//!
//! Why: no down migration brings the values back, and clients that still name the column fail.
//!
//! Instead, first deploy clients that neither read nor write it, then drop it in a later migration, and say so on
//! the line above.

use crate::rule::{Out, Scene};
use crate::statement::{Action, What};

pub(crate) fn check(scene: &Scene<'_>, out: &mut Out) {
    let What::AlterTable(alter) = &scene.statement.what else { return };
    if !scene.state.is_live(&alter.table) {
        return;
    }
    for (action, place) in &alter.actions {
        let Action::DropColumn { column, .. } = action else { continue };
        if scene.state.column(&alter.table, column).is_none_or(|c| c.added != Some(scene.state.batch)) {
            out.say(scene.span(*place), format!("the values of `{column}` in {} are lost", alter.table.said()))
                .help("drop it when no client names it any more, and say so above");
        }
    }
}
