//! A table is rewritten as a whole
//!
//! Finds `cluster` and `vacuum full`.
//!
//! Why: the table and all its indexes are rewritten under an access exclusive lock: 5.7 seconds for a million rows,
//! in which nobody reads or writes.
//!
//! Instead, a plain `vacuum` gives the space to new rows and blocks nobody. To give it back to the system while the
//! table is in use there is the extension `pg_repack`.

use crate::rule::{Out, Scene};
use crate::statement::What;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let what = match &scene.statement.what {
        What::Cluster { table } if table.as_ref().is_none_or(|table| scene.state.is_live(table)) => "`cluster`",
        What::Vacuum { full: true } => "`vacuum full`",
        _ => return,
    };
    out.say(
        scene.span(scene.statement.place),
        format!("{what} rewrites everything while nobody else can read or write"),
    )
    .help("a plain `vacuum` blocks nobody");
}
