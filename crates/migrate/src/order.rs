//! The order that the columns of a table have in the database. A column that is new, and one that gets another type online,
//! stands after the others, wherever the spec has it.

use crate::midway::Midway;
use crate::schedule::Plan;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_analysis::catalog::Known;
use specc_catalog::{Catalog, Kind, Object, ObjectId, Qualified, TableName};
use specc_diff::Difference;
use std::fmt;

/// A body that goes by the order of the columns of a table, which is not the order that the spec has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByOrder {
    /// The function.
    pub function: ObjectId,
    /// What is written there.
    pub text: String,
    /// The table.
    pub table: TableName,
    /// Its columns, as they stand in the database.
    pub there: Vec<SmolStr>,
    /// And as the spec has them.
    pub said: Vec<SmolStr>,
}

impl fmt::Display for ByOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, text, table, there, said } = self;
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let TableName { schema, name } = table;
        write!(
            f,
            "{function}, at `{line}`, goes by the order of the columns of `{schema}.{name}`: the table has {}, and the spec {}",
            there.join(", "),
            said.join(", ")
        )
    }
}

/// Columns by their names, in an order.
fn names(object: &Object) -> Option<Vec<SmolStr>> {
    match object {
        Object::Table(o) => Some(o.columns.iter().map(|column| column.name.clone()).collect()),
        _ => None,
    }
}

/// A state with the columns of each table in the order that `there` has.
fn ordered(state: &Catalog, there: impl Fn(&ObjectId) -> Option<Vec<SmolStr>>) -> Catalog {
    let mut out = state.clone();
    let tables = state.iter().filter(|(id, _)| id.kind == Kind::Table);
    for (id, entry) in tables {
        let (Some(said), Some(there)) = (names(&entry.object), there(id)) else { continue };
        if said == there {
            continue;
        }
        let places: FxHashMap<&SmolStr, usize> = there.iter().enumerate().map(|(at, name)| (name, at)).collect();
        if let Some(Object::Table(o)) = out.get_mut(id).map(|entry| &mut entry.object) {
            o.columns.sort_by_key(|column| places.get(&column.name).copied().unwrap_or(usize::MAX));
        }
    }
    out
}

/// A state as the database has it, which got there without a change.
pub(crate) fn as_before(state: &Catalog, before: &Catalog) -> Catalog {
    ordered(state, |id| before.get(id).and_then(|entry| names(&entry.object)))
}

/// The new state as the database has it after a change.
pub(crate) fn settled(difference: &Difference<'_>, plan: &Plan<'_>) -> Catalog {
    let mut midway = Midway::new(difference, plan.statements());
    plan.statements().for_each(|statement| midway.step(statement));
    ordered(difference.to, |id| names(midway.object_of(id)?))
}

/// The bodies of a state that go by an order of columns that `there` does not have.
pub(crate) fn by_order(state: &Catalog, there: &Catalog) -> Vec<ByOrder> {
    let mut moved: FxHashMap<Qualified, (Vec<SmolStr>, Vec<SmolStr>)> = FxHashMap::default();
    for (id, entry) in state.iter().filter(|(id, _)| id.kind == Kind::Table) {
        let (Some(said), Some(there)) = (names(&entry.object), there.get(id).and_then(|e| names(&e.object))) else {
            continue;
        };
        if said != there {
            moved.insert(Qualified::new(&*id.schema, &*id.name), (there, said));
        }
    }
    if moved.is_empty() {
        return Vec::new();
    }
    let known = Known::new(state);
    let mut triggers: FxHashMap<&Qualified, Vec<Qualified>> = FxHashMap::default();
    for (_, entry) in state.iter() {
        if let Object::Trigger(o) = &entry.object {
            triggers.entry(&o.function).or_default().push(Qualified::new(&*o.table.schema, &*o.table.name));
        }
    }
    let mut all = Vec::new();
    for (id, entry) in state.iter() {
        let Object::Function(function) = &entry.object else { continue };
        let name = Qualified::new(&*function.schema, &*function.name);
        let over = triggers.get(&name).map(Vec::as_slice).unwrap_or_default();
        let mut seen: FxHashSet<Qualified> = FxHashSet::default();
        for (relation, text) in known.by_order(function, over) {
            let Some((there, said)) = moved.get(&relation) else { continue };
            if seen.insert(relation.clone()) {
                let table = TableName::new(relation.schema, relation.name);
                let (there, said) = (there.clone(), said.clone());
                all.push(ByOrder { function: id.clone(), text, table, there, said });
            }
        }
    }
    all
}
