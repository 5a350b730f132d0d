//! A type is changed so that every row is rewritten
//!
//! Finds `alter column … type` on a table in use, unless the change is known to be free.
//!
//! Why: the table and the indexes over the column are rewritten under an access exclusive lock: 6 seconds for a
//! million rows, in which nobody reads or writes.
//!
//! Free, as measured: from a domain to what it is a domain over, and back where it has no constraint; a longer `varchar`, `varchar` to `text` and back without a limit, `numeric` with more digits
//! before the point or without any limit, a time with more fractional digits, and `timestamp` to `timestamptz` where
//! the session's `TimeZone` is UTC. Not free: a shorter limit (write a check instead), more digits behind the point,
//! `int` to `bigint`, `using` with an expression that is more than the column, anything to or from an enum, another collation where an index covers the column.
//!
//! The old type is known where its migration is in the same folder and the folder is given.
//!
//! Instead, expand and contract:
//!
//! ```sql
//! alter table t add column amount_new bigint;
//! -- a trigger keeps both the same for new rows; fill the old ones in batches; build indexes concurrently; then at once:
//! begin;
//! alter table t rename column amount to amount_old;
//! alter table t rename column amount_new to amount;
//! commit;
//! ```

use crate::rule::{Out, Scene};
use crate::statement::{Action, Using, What};
use specc_catalog::{Column, DataType};
use specc_sql::{TypeChange, type_change};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::AlterTable(alter) = &scene.statement.what else { return };
    if !scene.state.is_live(&alter.table) {
        return;
    }
    for (action, place) in &alter.actions {
        let Action::SetType { column, ty, collation, using } = action else { continue };
        let table = alter.table.said();
        let known = scene.state.column(&alter.table, column);
        let old = known.and_then(|known| known.ty.as_ref());
        let (message, help) = match (old, ty) {
            (Some(old), Some(new)) => {
                let same = known.is_some_and(|known| known.collation == *collation);
                match cost(scene, old, new, using) {
                    TypeChange::Rewrite => (
                        format!("from {} to {} every row of {table} is rewritten", said(old), said(new)),
                        "make a new column beside it, keep both by a trigger, fill it in batches, then swap the names",
                    ),
                    _ if !same => (
                        format!("with another collation, every index over `{column}` of {table} is rebuilt"),
                        "make a new column beside it, with its indexes built concurrently, then swap the names",
                    ),
                    _ => continue,
                }
            }
            _ if matches!(using, Using::Computes) || !ty.as_ref().is_some_and(widest) => (
                format!("every row of {table} is rewritten, unless the old type of `{column}` fits this one as it is"),
                "give the whole folder of migrations, so that the old type is known; or make a new column beside it",
            ),
            // from another text this is free, and from anything else it is rare
            _ => continue,
        };
        out.say(scene.span(*place), message).help(help);
    }
}

/// What it costs to go from the old type to the new one, by way of the casts that `using` writes.
fn cost(scene: &Scene<'_>, old: &DataType, new: &DataType, using: &Using) -> TypeChange {
    let Using::Casts(casts) = using else { return TypeChange::Rewrite };
    let mut worst = TypeChange::Free;
    let mut from = old;
    for to in casts.iter().chain([new]) {
        worst = worst.max(step(scene, from, to));
        from = to;
    }
    worst
}

fn step(scene: &Scene<'_>, old: &DataType, new: &DataType) -> TypeChange {
    if old == new {
        return TypeChange::Free;
    }
    let ((from, _), (to, constrained)) = (scene.state.stored(old), scene.state.stored(new));
    let zones = ["timestamp", "timestamptz"];
    let times = |ty: &DataType| ty.schema.is_empty() && ty.dims == 0 && zones.contains(&ty.name.as_str());
    match () {
        () if constrained => TypeChange::Rewrite,
        () if times(&from) && times(&to) && from.name != to.name && scene.state.session.now.utc => {
            let precise = DataType { name: to.name.clone(), ..from };
            type_change(&Column::new("old", precise), &Column::new("new", to))
        }
        () => type_change(&Column::new("old", from), &Column::new("new", to)),
    }
}

fn widest(ty: &DataType) -> bool {
    ty.schema.is_empty() && ty.args.is_empty() && ty.dims == 0 && matches!(ty.name.as_str(), "text" | "varchar")
}

fn said(ty: &DataType) -> String {
    let args: Vec<String> = ty.args.iter().map(i64::to_string).collect();
    let args = if args.is_empty() { String::new() } else { format!("({})", args.join(", ")) };
    format!("`{}{args}{}`", ty.name, if ty.dims > 0 { "[]" } else { "" })
}
