//! An index is dropped while everybody waits
//!
//! Finds `drop index` without `concurrently`, unless the same file made its table.
//!
//! Why: it takes an access exclusive lock on the table: while it waits for a long query, everybody waits behind it.
//!
//! Instead, in a file that is no transaction:
//!
//! ```sql
//! -- specc: no-transaction
//! drop index concurrently t_owner_idx;
//! ```
//!
//! Indexes of constraints and of partitioned tables cannot be dropped this way.

use crate::rule::{Out, Scene};
use crate::statement::{Dropped, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::Drop(drop) = &scene.statement.what else { return };
    if drop.kind != Dropped::Index || drop.concurrently.is_some() {
        return;
    }
    for name in &drop.names {
        let index = scene.state.indexes.get(&name.key(scene.state.path()));
        let table = index.and_then(|index| scene.state.table(&index.table));
        if table.is_some_and(|table| table.partitioned) || index.is_some_and(|index| !scene.state.is_live(&index.table))
        {
            continue;
        }
        let message = format!("everybody waits for the table of {} while this waits for it", name.said());
        let help = "write `drop index concurrently`, in a file with `-- specc: no-transaction` at the top";
        out.say(scene.span(name.place), message).help(help);
    }
}
