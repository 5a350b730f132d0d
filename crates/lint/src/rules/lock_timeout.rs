//! A lock is waited for without an end
//!
//! Finds the first statement of a file that takes a lock on a table in use where no `lock_timeout` is set before it, or none that
//! still holds: `0` is no limit, and `set local` ends with its transaction.
//!
//! Why: while it waits behind a long query, everybody who comes later waits behind it, reads too; with a timeout of 50
//! ms and retries a change that stalled all for 7 seconds stalled them for 54 ms.
//!
//! Instead, at the top of the file, and try again when it fails:
//!
//! ```sql
//! set lock_timeout = '3s';
//! ```
//!
//! `specc apply` waits three seconds and retries where a file does not say; other tools wait for ever.

use crate::locks::locks;
use crate::rule::{Out, Scene};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    if scene.state.session.now.lock_timeout || scene.state.lock_timeout_missed {
        return;
    }
    let locks = locks(&scene.statement.what, scene.state);
    if let Some((table, lock)) = locks.iter().max_by_key(|(_, lock)| *lock).filter(|(_, lock)| lock.blocks_writes()) {
        let who = if lock.blocks_reads() { "all reads and writes" } else { "all writes" };
        let message = format!("while this waits for {}, {who} of it wait behind it, without an end", table.said());
        out.say(scene.span(table.place), message).help("write `set lock_timeout = '3s';` at the top of the file");
    }
}
