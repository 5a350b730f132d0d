//! What looks like a rename that nobody asked for: taken as a drop and an add it would lose data.

use crate::rename::has_table;
use smol_str::SmolStr;
use specc_catalog::{Catalog, Column, Enum, Hints, Kind, Object, ObjectId, Table, TableName};
use std::fmt;

/// Something that holds data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// A table.
    Table(TableName),
    /// A column.
    Column(TableName, SmolStr),
    /// A label of an enum, which rows hold.
    Label(ObjectId, SmolStr),
}

impl Thing {
    /// Its own name, as `was` would name it.
    pub fn name(&self) -> &str {
        match self {
            Thing::Table(table) => &table.name,
            Thing::Column(_, part) | Thing::Label(_, part) => part,
        }
    }
}

impl RenameCandidate {
    /// What to write after `was`, where the new name stands: with its schema where that is another one.
    pub fn was(&self) -> String {
        if self.was_in().is_some() { self.gone.to_string() } else { self.gone.name().to_owned() }
    }

    /// The schema that it was in, if that was another one.
    pub fn was_in(&self) -> Option<&SmolStr> {
        match (&self.gone, &self.new) {
            (Thing::Table(gone), Thing::Table(new)) => Some(&gone.schema).filter(|schema| **schema != new.schema),
            _ => None,
        }
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Thing::Table(table) => write!(f, "{}.{}", table.schema, table.name),
            Thing::Column(table, column) => write!(f, "{}.{}.{column}", table.schema, table.name),
            Thing::Label(ty, label) => write!(f, "{}.{}.{label}", ty.schema, ty.name),
        }
    }
}

/// Something that is gone and something that is new, alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenameCandidate {
    /// What is gone.
    pub gone: Thing,
    /// What may be its new name.
    pub new: Thing,
}

/// One rename candidate at most for each thing that is gone: the likeliest.
pub(crate) fn rename_candidates(
    from: &Catalog,
    to: &Catalog,
    removed: &[u32],
    added: &[u32],
    changed: &[(u32, u32)],
    hints: &Hints,
) -> Vec<RenameCandidate> {
    let mut all = Vec::new();
    // Where the author says what is filled from, it is no rename.
    let new = added.iter().filter_map(|&place| table(to, place));
    let new: Vec<&Table> = new.filter(|table| hints.froms_of(&table.table).next().is_none()).collect();
    let mut taken = Vec::new();
    for old in removed.iter().filter_map(|&place| table(from, place)) {
        // What went with its schema or is a part of a table is not kept under another name.
        if old.partition_of.is_some() || has_table(to, &old.table) {
            continue;
        }
        let at_home = |table: &Table| table.table.schema == old.table.schema || table.table.name == old.table.name;
        let near = |table: &Table| at_home(table) && alike(old, table);
        let likely = new.iter().enumerate().filter(|(n, table)| !taken.contains(n) && near(table));
        if let Some((n, table)) = likely.max_by_key(|(_, table)| common(old, table)) {
            taken.push(n);
            all.push(RenameCandidate { gone: Thing::Table(old.table.clone()), new: Thing::Table(table.table.clone()) });
        }
    }
    for &(old, new) in changed {
        if let (Some(Object::Enum(old)), Some(Object::Enum(new))) = (object(from, old), object(to, new)) {
            all.extend(labels(old, new));
            continue;
        }
        let (Some(old), Some(new)) = (table(from, old), table(to, new)) else { continue };
        let lacks = |table: &Table, column: &Column| !table.columns.iter().any(|other| other.name == column.name);
        let mut fresh: Vec<&Column> = new.columns.iter().filter(|column| lacks(old, column)).collect();
        fresh.retain(|column| hints.backfill(&new.table, &column.name).is_none());
        // What was kept for a while is not asked about.
        let goes = |column: &&Column| lacks(new, column) && !from.said.keeps(&old.table, &column.name);
        for column in old.columns.iter().filter(goes) {
            let same =
                |other: &&Column| other.ty == column.ty && other.generated.is_some() == column.generated.is_some();
            if let Some(n) = fresh.iter().position(same) {
                let other = fresh.remove(n);
                all.push(RenameCandidate {
                    gone: Thing::Column(new.table.clone(), column.name.clone()),
                    new: Thing::Column(new.table.clone(), other.name.clone()),
                });
            }
        }
    }
    all
}

fn object(catalog: &Catalog, place: u32) -> Option<&Object> {
    catalog.at(place as usize).map(|(_, entry)| &entry.object)
}

fn table(catalog: &Catalog, place: u32) -> Option<&Table> {
    match object(catalog, place) {
        Some(Object::Table(table)) => Some(table),
        _ => None,
    }
}

/// A label that stands where another one stood, between the same labels.
fn labels(old: &Enum, new: &Enum) -> Vec<RenameCandidate> {
    let id = ObjectId::new(Kind::Enum, new.schema.clone(), new.name.clone());
    // Labels that stay keep their places to each other; what stands in the same gap may be the same.
    let gap = |labels: &[SmolStr], others: &[SmolStr], at: usize| {
        let kept = |label: &&SmolStr| others.contains(label);
        let place = labels[..at].iter().rev().take_while(|label| !kept(label)).count();
        (labels[..at].iter().rev().find(kept).cloned(), place)
    };
    let mut candidates = Vec::new();
    for (n, label) in old.labels.iter().enumerate().filter(|(_, label)| !new.labels.contains(label)) {
        let here = gap(&old.labels, &new.labels, n);
        let other = new
            .labels
            .iter()
            .enumerate()
            .find(|(m, other)| !old.labels.contains(other) && gap(&new.labels, &old.labels, *m) == here);
        if let Some((_, other)) = other {
            candidates.push(RenameCandidate {
                gone: Thing::Label(id.clone(), label.clone()),
                new: Thing::Label(id.clone(), other.clone()),
            });
        }
    }
    candidates
}

/// How many columns have the same name and type.
fn common(a: &Table, b: &Table) -> usize {
    let is_in = |column: &&Column| b.columns.iter().any(|other| other.name == column.name && other.ty == column.ty);
    a.columns.iter().filter(is_in).count()
}

/// Four of five columns are the same.
fn alike(a: &Table, b: &Table) -> bool {
    let most = a.columns.len().max(b.columns.len());
    most > 0 && common(a, b) * 5 >= most * 4
}
