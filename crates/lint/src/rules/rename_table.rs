//! A table gets another name or schema while clients know the old one
//!
//! Finds `rename to` and `set schema` of a table or view in use, and `alter schema … rename`, unless the same transaction makes a view of the old name.
//!
//! Why: every client that still runs fails at its next statement.
//!
//! Instead, leave a view under the old name, in the same transaction; a simple view can be written through:
//!
//! ```sql
//! begin;
//! alter table users rename to members;
//! create view users with (security_invoker = true) as select * from members;
//! commit;
//! ```

use crate::rule::{Out, Scene};
use crate::statement::{Action, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    if let What::RenameSchema { name, place } = &scene.statement.what
        && scene.state.schemas.get(name) != Some(&scene.state.batch)
    {
        out.say(scene.span(*place), format!("clients that still ask for what is in `{name}` fail"))
            .help("make the new schema beside it, and views in the old one over what moves");
    }
    let What::AlterTable(alter) = &scene.statement.what else { return };
    if !scene.state.is_live(&alter.table) {
        return;
    }
    let old = alter.table.key(scene.state.path());
    let replaced = scene.later.iter().take_while(|s| s.tx == scene.statement.tx).any(|s| match &s.what {
        What::View(view) => view.name.key(scene.state.path()) == old,
        _ => false,
    });
    for (action, place) in &alter.actions {
        if matches!(action, Action::RenameTable { .. } | Action::SetSchema { .. }) && !replaced {
            out.say(scene.span(*place), format!("clients that still ask for {} fail", alter.table.said()))
                .help("make a view of the old name in the same transaction");
        }
    }
}
