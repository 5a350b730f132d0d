//! Anybody may write
//!
//! Finds `grant` of `insert`, `update`, `delete`, `truncate`, `references`, `trigger` or `all` on tables to `anon` or
//! `public`, and the same as default privileges. Single privileges to insert, update or delete on a table for which
//! these files turn row level security on are left to its policies.
//!
//! Why: `anon` is everybody on the internet, and no policy covers `truncate` and `references`.
//!
//! Instead, grant what the policies let people do, to those who have to sign in:
//!
//! ```sql
//! grant select on notes to anon;
//! grant select, insert, update on notes to authenticated;
//! ```

use crate::rule::{Out, Scene};
use crate::statement::What;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::Grant(grant) = &scene.statement.what else { return };
    let Some(role) = grant.roles.iter().find(|role| matches!(role.as_str(), "anon" | "public")) else { return };
    let guarded = |name| scene.state.table(name).and_then(|table| table.rls).is_some_and(|(on, _)| on);
    let covered = !grant.tables.is_empty() && grant.tables.iter().all(guarded);
    for (privilege, place) in &grant.privileges {
        let bad = match privilege.as_str() {
            "insert" | "update" | "delete" => !covered,
            "truncate" | "references" | "trigger" | "all" => true,
            _ => false,
        };
        if bad {
            let on = match grant.tables.first() {
                Some(table) => table.said(),
                None if grant.to_come => "every table to come".into(),
                None => "every table".into(),
            };
            let who = if role == "anon" { "whoever does not sign in" } else { "every role" };
            out.say(scene.span(*place), format!("{who} gets `{privilege}` on {on}"))
                .help("grant what the policies allow, by name, to those who sign in");
        }
    }
}
