//! Several tables are locked until one transaction ends
//!
//! Finds in one transaction a statement that locks a second table in use, after one that locked a first.
//!
//! Why: the first stays locked while the second is waited for, and a client that takes them the other way round makes a
//! deadlock (40P01).
//!
//! Instead, a file for each table; where both have to change at once, a short `lock_timeout`, and try again.

use crate::locks::locks;
use crate::rule::{Out, Scene};
use specc_sql::Lock;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let Some(held) = scene.state.held.as_ref().filter(|held| held.lock == Lock::AccessExclusive) else { return };
    let key = held.table.key(scene.state.path());
    let locks = locks(&scene.statement.what, scene.state);
    let other =
        locks.iter().find(|(table, lock)| *lock == Lock::AccessExclusive && table.key(scene.state.path()) != key);
    if let Some((table, _)) = other.filter(|_| scene.statement.in_transaction) {
        let message = format!("{} stays locked while this waits for {}", held.table.said(), table.said());
        out.say(scene.span(table.place), message)
            .also(held.at, "locked here, until the transaction ends")
            .help("give each table a file of its own");
    }
}
