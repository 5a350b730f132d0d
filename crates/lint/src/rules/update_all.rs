//! A whole table is updated in one statement
//!
//! Finds `update` without `where` on a table in use, and one that only asks for a column to be null, which is how a
//! new column is filled.
//!
//! Why: every row stays locked until the end of the transaction and is stored twice, so writers wait and the table
//! doubles; an error at the end undoes it all.
//!
//! Instead, in batches by the key, each a transaction of its own:
//!
//! ```sql
//! update t set kind = 'plain' where id between 1 and 10000 and kind is null;
//! ```

use crate::rule::{Out, Scene};
use crate::statement::{Change, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::Rows(rows) = &scene.statement.what else { return };
    if rows.kind != Change::Update || !scene.state.is_live(&rows.table) {
        return;
    }
    let all = rows.condition.as_deref().is_none_or(|text| text.trim() == "true");
    let message = match &rows.only_null {
        Some(column) => {
            format!("every row of {} that has no `{column}` is written in one statement", rows.table.said())
        }
        None if all => format!("every row of {} is written in one statement", rows.table.said()),
        None => return,
    };
    out.say(scene.span(rows.table.place), message)
        .help("update in batches by the key, each in a transaction of its own");
}
