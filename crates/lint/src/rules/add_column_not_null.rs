//! A column is added not null, and the rows that are there have no value for it
//!
//! Finds `add column … not null` without a default on a table in use, or into which these files put rows.
//!
//! Why: as soon as the table has one row, Postgres refuses the statement (23502), and the migration stops there.
//!
//! Instead, give it a constant default, which costs nothing, or take the long way:
//!
//! ```sql
//! alter table t add column kind text not null default 'plain';
//!
//! -- or, where each row has a value of its own:
//! alter table t add column kind text;
//! -- fill it in batches, then
//! alter table t add constraint kind_given check (kind is not null) not valid;
//! -- in a later transaction:
//! alter table t validate constraint kind_given;
//! alter table t alter column kind set not null;
//! alter table t drop constraint kind_given;
//! ```

use crate::rule::{Out, Scene};
use crate::statement::{Action, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::AlterTable(alter) = &scene.statement.what else { return };
    let filled = scene.state.table(&alter.table).is_some_and(|table| table.filled);
    if !scene.state.is_live(&alter.table) && !filled {
        return;
    }
    for (action, place) in &alter.actions {
        let Action::AddColumn(column) = action else { continue };
        let given = column.default.as_ref().is_some_and(|(text, _)| !text.eq_ignore_ascii_case("null"));
        if column.not_null && !given && column.identity.is_none() && !column.generated && !column.is_serial() {
            let message = format!(
                "`{}` is not null and has no default: it fails if {} has a row",
                column.name,
                alter.table.said()
            );
            out.say(scene.span(*place), message)
                .help("give it a constant default, or add it nullable, fill it, then set not null");
        }
    }
}
