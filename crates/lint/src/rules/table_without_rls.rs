//! A table that clients reach has no row level security
//!
//! Finds `create table` in an exposed schema (`public`, or those of `--exposed`) where no file enables row level
//! security on it. A table from which all is revoked from `anon` and `authenticated`, and to whom nothing is granted
//! later, is closed otherwise.
//!
//! Why: on Supabase every table of such a schema is served by the API, and old default privileges let anybody read and
//! write it.
//!
//! Instead, in the same file, so that there is no open window:
//!
//! ```sql
//! create table notes (id uuid primary key, owner_id uuid not null, body text not null);
//! alter table notes enable row level security;
//! create policy owners_read on notes for select to authenticated using (owner_id = (select auth.uid()));
//! ```
//!
//! Where no API serves the database: `specc lint --exposed ''`.

use crate::Options;
use crate::rule::Out;
use crate::state::State;

pub(crate) fn find(state: &State, options: &Options, out: &mut Out) {
    for table in state.tables.values() {
        let Some((at, _)) = table.made else { continue };
        let open = !table.rls.is_some_and(|(on, _)| on)
            && !table.closed
            && !table.temporary
            && !table.materialized
            && !table.foreign;
        if open && options.exposed.contains(&table.schema) {
            out.say(at, format!("anybody whom the API lets in may read and write {}", table.name.said())).help(
                "`alter table … enable row level security` in the same file, and say with policies who may do what",
            );
        }
    }
}
