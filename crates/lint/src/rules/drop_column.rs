//! A column is dropped with its values
//!
//! Finds `drop column` on a table in use, unless the same file added the column, or another column takes its name in
//! the same transaction (then it was copied before), or a generated column does.
//!
//! Why: no down migration brings the values back, and clients that still name the column fail.
//!
//! Instead, first deploy clients that neither read nor write it, then drop it in a later migration, and say so on the
//! line above.

use crate::rule::{Out, Scene};
use crate::statement::{Action, AlterTable, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::AlterTable(alter) = &scene.statement.what else { return };
    if !scene.state.is_live(&alter.table) {
        return;
    }
    for (action, place) in &alter.actions {
        let Action::DropColumn { column, .. } = action else { continue };
        let own = scene.state.column(&alter.table, column).is_some_and(|c| c.added == Some(scene.state.batch));
        if !own && !is_replaced(scene, alter, column) {
            out.say(scene.span(*place), format!("the values of `{column}` in {} are lost", alter.table.said()))
                .help("drop it when no client names it any more, and say so above");
        }
    }
}

/// Whether the same transaction gives its name to another column, or computes it again.
fn is_replaced(scene: &Scene<'_>, alter: &AlterTable, column: &str) -> bool {
    let key = alter.table.key(scene.state.path());
    let replaces = |action: &Action| match action {
        Action::RenameColumn { to, .. } => to == column,
        Action::AddColumn(new) => new.name == column && new.generated,
        _ => false,
    };
    let mut later = scene.later.iter().take_while(|s| s.tx == scene.statement.tx);
    alter.actions.iter().any(|(action, _)| replaces(action))
        || later.any(|statement| match &statement.what {
            What::AlterTable(other) if other.table.key(scene.state.path()) == key => {
                other.actions.iter().any(|(action, _)| replaces(action))
            }
            _ => false,
        })
}
