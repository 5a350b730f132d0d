//! A materialized view is filled while nobody can read it
//!
//! Finds `refresh materialized view` without `concurrently` or `with no data`, unless the same file made the view.
//!
//! Why: it takes an access exclusive lock on the view for as long as its query runs.
//!
//! Instead, with a unique index over all of its rows:
//!
//! ```sql
//! refresh materialized view concurrently totals;
//! ```

use crate::rule::{Out, Scene};
use crate::statement::What;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    if let What::Refresh { view, concurrently: false, with_data: true } = &scene.statement.what
        && scene.state.is_live(view)
    {
        out.say(scene.span(view.place), format!("nobody can read {} until its query is done", view.said()))
            .help("write `refresh materialized view concurrently`; it needs a unique index");
    }
}
