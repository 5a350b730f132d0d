//! A column gets another name while clients know the old one
//!
//! Finds `rename column` on a table in use.
//!
//! Why: every client that still runs fails at its next statement, and old and new clients cannot both be right.
//!
//! Instead, add a column of the new name, keep both the same by a trigger, fill it in batches, move the clients, and
//! drop the old one. Where a short interruption is fine, rename and deploy at once.

use crate::rule::{Out, Scene};
use crate::statement::{Action, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::AlterTable(alter) = &scene.statement.what else { return };
    for (action, place) in &alter.actions {
        let Action::RenameColumn { from, to } = action else { continue };
        let new = scene.state.column(&alter.table, from).is_some_and(|c| c.added == Some(scene.state.batch));
        if scene.state.is_live(&alter.table) && !new {
            out.say(scene.span(*place), format!("clients that still ask for `{from}` fail once it is `{to}`"))
                .help("add the new column beside it, and drop the old one when no client asks for it");
        }
    }
}
