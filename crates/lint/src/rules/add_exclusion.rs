//! An exclusion constraint is added to a table in use
//!
//! Finds `add … exclude` on a table that the same file did not create.
//!
//! Why: its index is built under an access exclusive lock, and Postgres has no way to build it before.
//!
//! Instead, in a quiet hour, with a short `lock_timeout`; or on a new table into which the rows are copied, which then
//! takes the name of the old one. Where the rule can be said by ranges of equal length, a unique index may do.

use crate::rule::{Out, Scene};
use crate::statement::{Action, Kind, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::AlterTable(alter) = &scene.statement.what else { return };
    if !scene.state.is_live(&alter.table) {
        return;
    }
    for (action, place) in &alter.actions {
        if matches!(action, Action::AddConstraint(constraint) if matches!(constraint.kind, Kind::Exclude)) {
            let message =
                format!("the index of the exclusion is built while nobody else can use {}", alter.table.said());
            out.say(scene.span(*place), message)
                .help("choose a quiet hour, or build it on a new table and copy the rows");
        }
    }
}
