//! A statement that cannot run in a transaction stands in one
//!
//! Finds `concurrently`, `vacuum`, `alter system` and the like between `begin` and `commit`, or in a file of several
//! statements that does not say `-- specc: no-transaction`.
//!
//! Why: Postgres refuses it (25001), and most tools run a file as one transaction.
//!
//! Instead, give it a file of its own, or say at the top that the file is no transaction:
//!
//! ```sql
//! -- specc: no-transaction
//! create index concurrently t_owner_idx on t (owner_id);
//! create index concurrently t_kind_idx on t (kind);
//! ```

use crate::rule::{Out, Scene};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let statement = scene.statement;
    if !statement.refuses || !statement.in_transaction {
        return;
    }
    let first = scene.text.get(statement.place.0..statement.place.1).unwrap_or_default();
    let end = first.find('\n').map_or(statement.place.1, |at| statement.place.0 + at);
    out.say(scene.span((statement.place.0, end)), "this cannot run in a transaction, and it stands in one")
        .help("give it a file of its own, or write `-- specc: no-transaction` at the top of this one");
}
