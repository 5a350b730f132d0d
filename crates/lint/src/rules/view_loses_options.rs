//! A view is replaced and loses its options
//!
//! Finds `create or replace view` without `with (…)` of a view that was made with options.
//!
//! Why: Postgres takes the options from the new statement alone, so `security_invoker` is off again and the view shows
//! all rows to everybody.
//!
//! Instead, write the options again each time:
//!
//! ```sql
//! create or replace view open_events with (security_invoker = true) as select id, title, at from events where open;
//! ```

use crate::rule::{Out, Scene};
use crate::statement::What;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::View(view) = &scene.statement.what else { return };
    let before = scene.state.views.get(&view.name.key(scene.state.path()));
    if let Some(before) = before.filter(|before| view.replace && !view.has_options && before.has_options) {
        out.say(scene.span(view.name.place), format!("{} loses the options that it was made with", view.name.said()))
            .also(before.at, "with options here")
            .help("write `with (…)` again, with all of its options");
    }
}
