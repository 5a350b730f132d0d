//! A partition is detached while everybody waits for the parent
//!
//! Finds `detach partition` without `concurrently` where the parent is in use.
//!
//! Why: it takes an access exclusive lock on the parent, on the partition and on the default partition, and waits for every
//! query that reads any of them.
//!
//! Instead, in a file that is no transaction, where there is no default partition:
//!
//! ```sql
//! -- specc: no-transaction
//! alter table events detach partition events_2020 concurrently;
//! ```

use crate::rule::{Out, Scene};
use crate::statement::{Action, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::AlterTable(alter) = &scene.statement.what else { return };
    if !scene.state.is_live(&alter.table) {
        return;
    }
    for (action, place) in &alter.actions {
        if matches!(action, Action::Detach { concurrently: false }) {
            out.say(scene.span(*place), format!("everybody waits for {} while this waits for it", alter.table.said()))
                .help("write `concurrently` behind it, in a file with `-- specc: no-transaction` at the top");
        }
    }
}
