//! A whole table is updated in one statement
//!
//! Finds `update` of a table in use without `where`, or with one that holds for every row, and one that only asks for a column
//! to be null, which is how a new column is filled.
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
use crate::rules::means_all;
use crate::statement::{Asks, Change, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::Rows(all) = &scene.statement.what else { return };
    for rows in all.iter().filter(|rows| rows.kind == Change::Update && scene.state.is_live(&rows.table)) {
        let table = rows.table.said();
        let message = match &rows.asks {
            Asks::Null(column) => format!("every row of {table} that has no `{column}` is written in one statement"),
            _ if means_all(scene, rows) => format!("every row of {table} is written in one statement"),
            _ => continue,
        };
        out.say(scene.span(rows.table.place), message)
            .help("update in batches by the key, each in a transaction of its own");
    }
}
