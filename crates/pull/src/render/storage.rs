//! Partitions, inheritance, storage settings and row level security of a table.

use super::table::{element, settings};
use crate::state::State;
use crate::text::{Text, quoted};
use specc_catalog::{Bounds, Object, ObjectId, Rls, SqlExpr, Table};

/// A partitioned table is never unlogged; its partitions may be, and the entity says so for them.
pub(super) fn unlogged_partitions(state: &State<'_>, table: &Table) -> bool {
    let mut all = state.partitions(&table.table).iter().filter(|id| state.is_typed(id)).peekable();
    let unlogged = |id: &&&ObjectId| match state.entry(id).map(|e| &e.object) {
        Some(Object::Table(o)) => o.unlogged,
        _ => false,
    };
    table.partition_by.is_some() && all.peek().is_some() && all.all(|id| unlogged(&id))
}

/// Partitions, inheritance, storage, row level security.
pub(super) fn storage(state: &State<'_>, table: &Table, text: &mut Text) {
    if let Some(by) = &table.partition_by {
        let level = state.level(&table.table.id());
        let keys: Vec<_> = by.keys.iter().map(|key| element(state, level, key)).collect();
        text.push(format!("  partition by {} ({})\n", by.method, keys.join(", ")));
    }
    for id in state.partitions(&table.table) {
        let Some(Object::Table(partition)) = state.entry(id).map(|e| &e.object) else { continue };
        if state.is_typed(id) {
            text.doc(state.doc(id), "  ");
            text.says(id, |text| self::partition(state, id, table, partition, text));
        }
    }
    if !table.inherits.is_empty() {
        let parents: Vec<_> = table.inherits.iter().map(|parent| state.names.table(parent)).collect();
        text.push(format!("  inherits {}\n", parents.join(", ")));
    }
    if !table.options.is_empty() {
        text.push(format!("  {}\n", settings(&table.options)));
    }
    if let Some(identity) = &table.replica_identity {
        text.push(format!("  replica identity {}\n", quoted(identity)));
    }
    match table.rls {
        Rls::On => {}
        Rls::Off => drop(text.push("  rls off\n")),
        Rls::Forced => drop(text.push("  rls force\n")),
    }
}

fn partition(state: &State<'_>, id: &ObjectId, table: &Table, partition: &Table, text: &mut Text) {
    let Some((_, bounds)) = &partition.partition_of else { return };
    let level = state.level(id);
    let values =
        |list: &[SqlExpr]| list.iter().map(|value| state.expr(level, &value.text, None)).collect::<Vec<_>>().join(", ");
    // A partition without a schema is in its table's.
    let name = format!("{}.{}", quoted(&partition.table.schema), quoted(&partition.table.name));
    let name = if partition.table.schema == table.table.schema { quoted(&partition.table.name) } else { name };
    text.push(format!("  partition {name} "));
    match bounds {
        Bounds::Range { from, to } => text.push(format!("from ({}) to ({})", values(from), values(to))),
        Bounds::List(list) => text.push(format!("in ({})", values(list))),
        Bounds::Hash { modulus, remainder } => text.push(format!("modulus {modulus} remainder {remainder}")),
        Bounds::Default => text.push("default"),
    };
    if partition.rls != table.rls {
        text.push(match partition.rls {
            Rls::Off => " rls off",
            Rls::On => " rls on",
            Rls::Forced => " rls force",
        });
    }
    if !partition.options.is_empty() {
        text.push(" ").push(settings(&partition.options));
    }
    text.push("\n");
}
