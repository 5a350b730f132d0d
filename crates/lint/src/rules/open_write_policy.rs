//! A policy lets every row be written
//!
//! Finds permissive policies for `insert`, `update`, `delete` or `all` whose `using` or `with check` is `true`, unless
//! they are only for `service_role` or `postgres`. Of a policy that is altered and that no file makes, both are taken to be
//! possible.
//!
//! Why: whoever has the role may change or take any row: with `using (true)` anyone takes any row, with `with check
//! (true)` a row can be given away or inserted in another's name.
//!
//! Instead, say whose rows they are, before and after:
//!
//! ```sql
//! create policy owners_write on notes for update to authenticated
//!   using (owner_id = (select auth.uid()))
//!   with check (owner_id = (select auth.uid()));
//! ```

use crate::rule::{Out, Scene};
use crate::statement::What;

const TRUSTED: [&str; 3] = ["service_role", "postgres", "supabase_admin"];

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::Policy(policy) = &scene.statement.what else { return };
    let before =
        scene.state.table(&policy.table).and_then(|table| table.policies.get(&policy.name)).filter(|_| policy.altered);
    let restrictive = before.map_or(policy.restrictive, |before| before.restrictive);
    let command = match before {
        Some(before) => before.command.as_deref(),
        None if policy.altered => None,
        None => Some(policy.command.as_str()),
    };
    let roles = before.filter(|_| policy.roles.is_empty()).map_or(&policy.roles, |before| &before.roles);
    let trusted = !roles.is_empty() && roles.iter().all(|role| TRUSTED.contains(&role.as_str()));
    if restrictive || trusted || command == Some("select") {
        return;
    }
    for (condition, word) in [(&policy.using, "using"), (&policy.check, "with check")] {
        if let Some(condition) = condition.as_ref().filter(|condition| condition.always) {
            let what =
                if word == "using" { "every row may be changed" } else { "a row may be written in anybody's name" };
            out.say(scene.span(condition.place), format!("{what}: `{word} (true)` on {}", policy.table.said()))
                .help("say whose rows they are, before (`using`) and after (`with check`)");
        }
    }
}
