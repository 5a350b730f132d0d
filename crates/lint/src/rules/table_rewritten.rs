//! A table is rewritten for where or how it is stored
//!
//! Finds `set logged`, `set unlogged`, `set tablespace`, `set access method` and `set expression` on a table in use.
//!
//! Why: every row is rewritten, or copied, under an access exclusive lock, and what is unlogged is empty after a
//! crash.
//!
//! Instead, make a new table that is stored as it should be, copy the rows in batches, and swap the names; or choose a
//! quiet hour.

use crate::rule::{Out, Scene};
use crate::statement::{Action, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::AlterTable(alter) = &scene.statement.what else { return };
    if !scene.state.is_live(&alter.table) {
        return;
    }
    for (action, place) in &alter.actions {
        let what = match action {
            Action::SetLogged(true) => "set logged",
            Action::SetLogged(false) => "set unlogged",
            Action::Rewrite(what) => what,
            _ => continue,
        };
        let message = format!("`{what}` rewrites all of {} while nobody else can use it", alter.table.said());
        out.say(scene.span(*place), message).help("make a new table, copy the rows in batches, and swap the names");
    }
}
