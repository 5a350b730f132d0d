//! A domain is narrowed, which reads every table that uses it
//!
//! Finds `alter domain … add` without `not valid`, and `alter domain … set not null`.
//!
//! Why: Postgres locks every table that has a column of the domain against writes and reads all of them.
//!
//! Instead:
//!
//! ```sql
//! alter domain email add constraint has_at check (value like '%@%') not valid;
//! -- in a later transaction:
//! alter domain email validate constraint has_at;
//! ```

use crate::rule::{Out, Scene};
use crate::statement::What;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    if let What::AlterDomain { name, scans: true } = &scene.statement.what {
        let message = format!("every table with a column of {} is read while nobody can write to it", name.said());
        out.say(scene.span(name.place), message)
            .help("add a check `not valid`, and validate it in a later transaction");
    }
}
