//! What is called otherwise after a change.

use super::{Lost, name};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use specc_catalog::{Kind, ObjectId, TableName};
use specc_diff::{Difference, Renamed};
use std::collections::BTreeMap;

/// A table, view or sequence, before and after a change that gives it or a column of it another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renaming {
    /// After it.
    pub now: TableName,
    /// Before it.
    pub was: TableName,
    /// Its columns with another name: after the change, and before it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<SmolStr, SmolStr>,
}

impl super::Record {
    /// What was called so before the change.
    pub fn before(&self, lost: &Lost) -> Lost {
        let Some(renaming) = self.renames.iter().find(|renaming| name(&renaming.now) == lost.table) else {
            return lost.clone();
        };
        let column = lost.column.as_ref().map(|column| renaming.columns.get(column).unwrap_or(column).clone());
        Lost { table: name(&renaming.was), column }
    }

    /// What a table is called after the change.
    pub fn after(&self, table: &str) -> String {
        let renaming = self.renames.iter().find(|renaming| name(&renaming.was) == table);
        renaming.map_or_else(|| table.to_owned(), |renaming| name(&renaming.now))
    }
}

/// What a change gives another name to.
pub(crate) fn renamings(difference: &Difference<'_>) -> Vec<Renaming> {
    let mut columns: FxHashMap<&ObjectId, BTreeMap<SmolStr, SmolStr>> = FxHashMap::default();
    for renamed in &difference.renamed {
        if let Some((was, now)) = &renamed.part {
            columns.entry(&renamed.now).or_default().insert(now.clone(), was.clone());
        }
    }
    let relabelled: FxHashMap<u32, u32> = difference.relabelled.iter().map(|&(old, new)| (new, old)).collect();
    let all = difference.to.iter().zip(0_u32..).filter(|(_, place)| difference.added.binary_search(place).is_err());
    let all = all.filter(|((id, _), _)| matches!(id.kind, Kind::Table | Kind::View | Kind::Sequence));
    let renamings = all.map(|((id, _), place)| {
        let old = relabelled.get(&place).and_then(|old| difference.from.at(*old as usize));
        Renaming {
            now: TableName::new(id.schema.clone(), id.name.clone()),
            was: called_before(&difference.renamed, old.map_or(id, |(id, _)| id)),
            columns: columns.remove(id).unwrap_or_default(),
        }
    });
    renamings.filter(|renaming| renaming.now != renaming.was || !renaming.columns.is_empty()).collect()
}

/// What a column was called before a change, by the name that its table has after it.
pub(crate) fn column_before(renamed: &[Renamed], table: &ObjectId, now: &SmolStr) -> SmolStr {
    let parts = renamed.iter().filter(|renamed| renamed.now == *table);
    let mut parts = parts.filter_map(|renamed| renamed.part.as_ref());
    parts.find(|(_, name)| name == now).map_or_else(|| now.clone(), |(was, _)| was.clone())
}

/// What an object was called before a change: its schema and its name.
pub(crate) fn called_before(renamed: &[Renamed], now: &ObjectId) -> TableName {
    let named = |id: &ObjectId| TableName::new(id.schema.clone(), id.name.clone());
    let mut was = named(now);
    if let Some(renamed) = renamed.iter().find(|it| it.part.is_none() && it.now == *now) {
        was = named(&renamed.id);
    }
    let schema = renamed.iter().find(|it| it.now.kind == Kind::Schema && it.now.name == was.schema);
    if let Some(schema) = schema {
        was.schema.clone_from(&schema.id.name);
    }
    was
}
