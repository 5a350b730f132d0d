//! Long work while the transaction holds a lock that others wait for
//!
//! Finds in one transaction a statement whose time grows with a table (an index built, rows written or copied, a whole
//! table read) after one that locked a table in use.
//!
//! Why: locks are held to the end of the transaction, so a lock that would be short lasts as long as what comes after
//! it: adding a column and building an index in one transaction stopped all reads for 691 ms at a million rows,
//! against 1 ms for the column alone.
//!
//! Instead, do the long work in a file of its own, before or after.

use crate::locks::long_work;
use crate::rule::{Out, Scene};
use crate::statement::{Action, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    if !scene.statement.in_transaction {
        return;
    }
    let Some(work) = long_work(&scene.statement.what, scene.state) else { return };
    let what = &scene.statement.what;
    // a constraint that the same transaction added has a rule of its own
    if let What::AlterTable(alter) = what
        && alter.actions.iter().any(|(action, _)| added_here(scene, alter, action))
    {
        return;
    }
    let Some(held) = &scene.state.held else {
        return;
    };
    let who = if held.lock.blocks_reads() { "everybody waits" } else { "writers wait" };
    let text = scene.text.get(scene.statement.place.0..scene.statement.place.1).unwrap_or_default();
    let line = text.lines().next().map_or(0, str::len);
    let place = (scene.statement.place.0, scene.statement.place.0 + line);
    let message = format!("this {work} while {who} for {}", held.table.said());
    out.say(scene.span(place), message)
        .also(held.at, "locked here, until the transaction ends")
        .help("give it a file of its own");
}

fn added_here(scene: &Scene<'_>, alter: &crate::statement::AlterTable, action: &Action) -> bool {
    let Action::Validate { name } = action else { return false };
    let bound = scene.state.table(&alter.table).and_then(|table| table.constraints.get(name));
    bound.is_some_and(|bound| bound.tx == scene.state.tx)
}
