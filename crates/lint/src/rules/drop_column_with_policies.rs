//! A column is dropped with the policies that name it
//!
//! Finds `drop column … cascade` where a policy of the table names the column.
//!
//! Why: the policies go silently; where one is restrictive access widens, and where one is permissive people are
//! locked out.
//!
//! Instead, write the policies again without the column, in the same transaction, and drop the column without
//! `cascade`:
//!
//! ```sql
//! begin;
//! alter policy members_read on notes using (owner_id = (select auth.uid()));
//! alter table notes drop column team_id;
//! commit;
//! ```

use crate::rule::{Out, Scene};
use crate::statement::{Action, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::AlterTable(alter) = &scene.statement.what else { return };
    let Some(table) = scene.state.table(&alter.table) else { return };
    for (action, place) in &alter.actions {
        let Action::DropColumn { column, cascade: Some(_) } = action else { continue };
        for (name, policy) in table.policies.iter().filter(|(_, policy)| policy.words.contains(column)) {
            let effect = if policy.restrictive { "access widens" } else { "those whom it lets in are locked out" };
            out.say(scene.span(*place), format!("policy `{name}` goes with `{column}`, and {effect}"))
                .also(policy.at, "made here")
                .help("alter the policy first, then drop the column without `cascade`");
        }
    }
}
