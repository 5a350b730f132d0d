//! A materialized view or a foreign table stands where clients reach it
//!
//! Finds them in an exposed schema, unless all is revoked from `anon` and `authenticated`.
//!
//! Why: neither can have row level security: whoever may read it reads all of its rows, whatever the policies of the tables
//! behind it say.
//!
//! Instead, put it into a schema that no API serves, and a view or a function before it that asks who reads; or close it:
//!
//! ```sql
//! create materialized view private.totals as select owner_id, count(*) from notes group by owner_id;
//! ```

use crate::Options;
use crate::rule::Out;
use crate::state::State;

pub(crate) fn find(state: &State, options: &Options, out: &mut Out) {
    for table in state.tables.values().filter(|table| table.materialized || table.foreign) {
        let Some((at, _)) = table.made else { continue };
        if !table.closed && options.exposed.contains(&table.schema) {
            let what = if table.foreign { "a foreign table" } else { "a materialized view" };
            let name = table.name.said();
            out.say(at, format!("whoever may read {name} reads all of its rows: {what} has no policies"))
                .help("put it into a schema that is not exposed, or revoke all from `anon` and `authenticated`");
        }
    }
}
