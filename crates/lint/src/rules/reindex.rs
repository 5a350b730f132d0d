//! Indexes are rebuilt while everybody waits
//!
//! Finds `reindex` without `concurrently`, or with `(concurrently false)`.
//!
//! Why: nobody can write, and planning any query on the table waits too: 0.5 seconds for one index of a million rows,
//! 3.6 for a table with seven.
//!
//! Instead, in a file that is no transaction:
//!
//! ```sql
//! -- specc: no-transaction
//! reindex index concurrently t_owner_idx;
//! ```

use crate::rule::{Out, Scene};
use crate::statement::What;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    if let What::Reindex { concurrently: false, .. } = scene.statement.what {
        out.say(scene.span(scene.statement.place), "queries on the table wait while its indexes are rebuilt")
            .help("write `concurrently` after `index` or `table`");
    }
}
