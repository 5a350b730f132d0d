//! Row level security is turned off
//!
//! Finds `disable row level security`.
//!
//! Why: from then on every role that was granted the table sees and changes all of its rows; its policies stay, and do
//! nothing.
//!
//! Instead, a policy that says who may see all rows; for the work of a migration nothing is needed, since the owner is
//! not held by policies unless `force row level security` says so.

use crate::rule::{Out, Scene};
use crate::statement::{Action, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::AlterTable(alter) = &scene.statement.what else { return };
    for (action, place) in &alter.actions {
        if matches!(action, Action::Rls(false)) {
            out.say(scene.span(*place), format!("the policies of {} hold nobody any more", alter.table.said()))
                .help("write a policy that says who may see all rows");
        }
    }
}
