//! A domain is narrowed, which reads every table that uses it
//!
//! Finds `alter domain … add` without `not valid`, `validate constraint` and `set not null`, unless these files make the
//! domain in one go.
//!
//! Why: Postgres locks every table that has a column of the domain against writes and reads all of them.
//!
//! Instead:
//!
//! ```sql
//! alter domain email add constraint has_at check (value like '%@%') not valid;
//! ```
//!
//! New values are held to it from then on. Validate it in a quiet hour: up to Postgres 17 nobody can write meanwhile, either.

use crate::rule::{Out, Scene};
use crate::statement::What;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    if let What::AlterDomain { name, scans: true } = &scene.statement.what
        && scene.state.domains.get(&name.key(scene.state.path())).is_none_or(|domain| domain.batch != scene.state.batch)
    {
        let message = format!("every table with a column of {} is read while nobody can write to it", name.said());
        out.say(scene.span(name.place), message).help("add a check `not valid`, and validate it in a quiet hour");
    }
}
