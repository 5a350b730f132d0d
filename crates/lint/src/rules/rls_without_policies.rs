//! Row level security is on, and no policy lets anybody in
//!
//! Finds `enable row level security` in an exposed schema where no file creates a policy for the table. Where nobody
//! is meant to get in, say so by revoking all from `anon` and `authenticated`: an error is better than an empty
//! answer.
//!
//! Why: everybody but the owner sees no rows and no error, and updates and deletes change nothing, silently.
//!
//! Instead:
//!
//! ```sql
//! alter table notes enable row level security;
//! create policy owners_read on notes for select to authenticated using (owner_id = (select auth.uid()));
//! -- or, for nobody:
//! revoke all on table notes from anon, authenticated;
//! ```

use crate::Options;
use crate::rule::Out;
use crate::state::State;

pub(crate) fn find(state: &State, options: &Options, out: &mut Out) {
    for table in state.tables.values() {
        let Some((true, at)) = table.rls else { continue };
        if table.policies.is_empty() && !table.closed && options.exposed.contains(&table.schema) {
            out.say(at, format!("no policy lets anybody see a row of {}", table.name.said()))
                .help("create policies, or revoke all from `anon` and `authenticated` if nobody is meant to get in");
        }
    }
}
