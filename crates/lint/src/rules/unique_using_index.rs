//! A unique or primary key builds its index while everybody waits
//!
//! Finds `add … unique` and `add … primary key` without `using index` on a table in use, and `add column … unique`.
//!
//! Why: the index is built under an access exclusive lock: measured with a reader and a writer, both stood still for
//! 636 ms at two million rows, against 10 ms with the index made before.
//!
//! Instead:
//!
//! ```sql
//! -- specc: no-transaction
//! create unique index concurrently t_email_key on t (email);
//! alter table t add constraint t_email_key unique using index t_email_key;
//! ```
//!
//! For a primary key, the column has to be not null before, or the last step reads the whole table (see `specc explain
//! L003`).

use crate::rule::{Out, Scene};
use crate::statement::{Action, Kind, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::AlterTable(alter) = &scene.statement.what else { return };
    if !scene.state.is_live(&alter.table) {
        return;
    }
    let builds =
        |kind: &Kind| matches!(kind, Kind::Unique { using_index: None, .. } | Kind::Primary { using_index: None, .. });
    for (action, _) in &alter.actions {
        let found = match action {
            Action::AddConstraint(constraint) if builds(&constraint.kind) => constraint,
            Action::AddColumn(column) => match column.has(builds) {
                Some(constraint) => constraint,
                None => continue,
            },
            _ => continue,
        };
        let message = format!("the index is built while nobody else can use {}", alter.table.said());
        let help = "first `create unique index concurrently`, then add the constraint `using index`";
        out.say(scene.span(found.place), message).help(help);
    }
}
