//! An index that was left broken would be taken for done
//!
//! Finds `create index concurrently if not exists`.
//!
//! Why: a concurrent build that fails leaves an invalid index of that name; run again, the statement finds it and
//! succeeds, and the index is never used.
//!
//! Instead, leave out `if not exists`, or drop what may be left first. `specc apply` looks for such an index itself
//! and rebuilds it.
//!
//! ```sql
//! -- specc: no-transaction
//! drop index concurrently if exists t_owner_idx;
//! create index concurrently t_owner_idx on t (owner_id);
//! ```

use crate::rule::{Out, Scene};
use crate::statement::What;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::CreateIndex(index) = &scene.statement.what else { return };
    if let (Some(_), Some(place)) = (index.concurrently, index.if_not_exists) {
        out.say(scene.span(place), "an invalid index that an earlier try left would be taken for this one")
            .help("leave out `if not exists`, or `drop index concurrently if exists` before");
    }
}
