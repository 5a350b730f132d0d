//! Every row is deleted
//!
//! Finds `delete` on a table that the same file did not create, without `where` or with one that holds for every row: `true`,
//! `1 = 1`, `id = id`, or that a column is not null which cannot be. It is found in `with`, behind `explain analyze`, in
//! `merge` and in `do` blocks, too.
//!
//! Why: all rows are lost, and until it ends whoever changes one of them waits.
//!
//! Instead, name the rows with `where`; or say on the line above that all are meant.

use crate::rule::{Out, Scene};
use crate::rules::means_all;
use crate::statement::{Change, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::Rows(all) = &scene.statement.what else { return };
    for rows in all.iter().filter(|rows| rows.kind == Change::Delete && means_all(scene, rows)) {
        out.say(scene.span(rows.table.place), format!("every row of {} is deleted", rows.table.said()))
            .help("name the rows with `where`");
    }
}
