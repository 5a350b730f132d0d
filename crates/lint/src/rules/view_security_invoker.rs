//! A view that clients reach reads as its owner
//!
//! Finds views in an exposed schema without `security_invoker = true`.
//!
//! Why: the view reads its tables with its owner's rights, past every policy: whoever may read the view sees all rows.
//!
//! Instead (from Postgres 15 on):
//!
//! ```sql
//! create view open_events with (security_invoker = true) as select id, title from events where open;
//! ```

use crate::Options;
use crate::rule::Out;
use crate::state::State;

pub(crate) fn find(state: &State, options: &Options, out: &mut Out) {
    for view in state.views.values() {
        if !view.invoker && !view.lost && options.exposed.contains(&view.schema) {
            out.say(view.at, format!("{} shows all rows, whatever the policies of its tables say", view.name.said()))
                .help("write `with (security_invoker = true)` before `as`");
        }
    }
}
