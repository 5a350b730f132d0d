//! A column is added so that every row is rewritten
//!
//! Finds `add column` on a table in use with a default that is worked out for each row (`gen_random_uuid()`,
//! `clock_timestamp()`, `nextval(…)`), with `serial` or identity, generated and stored, or of a domain that has a
//! constraint.
//!
//! Why: the table is rewritten with all its indexes under an access exclusive lock: 6 to 9 seconds for a million rows,
//! in which nobody reads or writes.
//!
//! A constant, and what is the same within a statement (`now()`), costs nothing: it is stored once in the catalog. On
//! Postgres 18 a generated column may be `virtual`, which stores nothing.
//!
//! Instead, add it empty, let new rows have the default, and fill the old ones in batches:
//!
//! ```sql
//! alter table t add column token uuid;
//! alter table t alter column token set default gen_random_uuid();
//! -- in batches, each a transaction of its own:
//! update t set token = gen_random_uuid() where id between 1 and 10000;
//! ```
//!
//! For a stored generated column: a plain column, a trigger that keeps it, and the same batches.

use crate::cursor::Place;
use crate::rule::{Out, Scene};
use crate::statement::{Action, Column, What};
use specc_facts::Volatility;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::AlterTable(alter) = &scene.statement.what else { return };
    if !scene.state.is_live(&alter.table) {
        return;
    }
    for (action, _) in &alter.actions {
        let Action::AddColumn(column) = action else { continue };
        if let Some((what, place)) = costs(scene, column) {
            let message =
                format!("`{}` is added with {what}: every row of {} is rewritten", column.name, alter.table.said());
            let help = "add it without, set the default for new rows, and fill the old ones in batches";
            out.say(scene.span(place), message).help(help);
        }
    }
}

fn costs(scene: &Scene<'_>, column: &Column) -> Option<(&'static str, Place)> {
    if let Some((text, place)) = &column.default
        && specc_sql::volatility(text, |_, _| None) == Volatility::Volatile
    {
        return Some(("a default that may differ from row to row", *place));
    }
    if let Some(place) = column.identity {
        return Some(("an identity", place));
    }
    if column.is_serial() {
        return Some(("a sequence of its own", column.ty_place));
    }
    if let Some(place) = column.stored {
        return Some(("a stored expression", place));
    }
    let ty = column.ty.as_ref()?;
    let (_, constrained) = scene.state.stored(ty);
    constrained.then_some(("a domain that has a constraint", column.ty_place))
}
