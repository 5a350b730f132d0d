//! A restrictive policy is dropped, and the table opens
//!
//! Finds `drop policy` of a policy that these files made `as restrictive`, where the same transaction makes no other
//! restrictive one for the table.
//!
//! Why: restrictive policies only take away; without one, everything that the permissive ones allow is open.
//!
//! Instead, `alter policy`, or drop and create in one transaction.

use crate::rule::{Out, Scene};
use crate::statement::What;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::DropPolicy { name, table } = &scene.statement.what else { return };
    let policy = scene.state.table(table).and_then(|table| table.policies.get(name));
    let Some(policy) = policy.filter(|policy| policy.restrictive) else { return };
    let key = table.key(scene.state.path());
    let again = scene.later.iter().take_while(|s| s.tx == scene.statement.tx).any(|s| match &s.what {
        What::Policy(policy) => policy.restrictive && policy.table.key(scene.state.path()) == key,
        _ => false,
    });
    if !again {
        out.say(
            scene.span(scene.statement.place),
            format!("what `{name}` forbade on {} is allowed again", table.said()),
        )
        .also(policy.at, "made here")
        .help("use `alter policy`, or create the new one in the same transaction");
    }
}
