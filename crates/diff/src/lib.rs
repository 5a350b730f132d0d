//! What differs between two catalogs: what is new, gone, changed, and what only has another name.
//!
//! A [`Difference`] is about objects by their places in the two catalogs; the first catalog is seen under the names that
//! things have in the second. How to get from one to the other is the planner's work, not this crate's.

mod bodies;
mod candidates;
mod describe;
mod names;
mod rename;
mod rows;

pub use candidates::{RenameCandidate, Thing};
pub use describe::{Attribute, Line, Sign, attributes, lines};
pub use rename::Renamed;
pub use rows::RowChange;

use rustc_hash::FxHashMap;
use specc_catalog::{Catalog, Entry, Hints, Kind, Object, ObjectId, View};
use std::borrow::Cow;

/// What differs.
#[derive(Clone, Debug)]
pub struct Difference<'a> {
    /// What was there, under the names of now where a `was` says so.
    pub from: Cow<'a, Catalog>,
    /// What is to be.
    pub to: &'a Catalog,
    /// Renames that the author asked for, in an order in which they can be done.
    pub renamed: Vec<Renamed>,
    /// Constraints, indexes, triggers, policies and owned sequences that are the same under another name: their places
    /// in both.
    pub relabelled: Vec<(u32, u32)>,
    /// Places in `to` of what is new.
    pub added: Vec<u32>,
    /// Places in `from` of what is gone.
    pub removed: Vec<u32>,
    /// Places in both of what is not as it was.
    pub changed: Vec<(u32, u32)>,
    /// Seed rows that are new, gone or changed.
    pub rows: Vec<RowChange>,
    /// What looks like a rename that nobody asked for.
    pub rename_candidates: Vec<RenameCandidate>,
}

impl Difference<'_> {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.renamed.is_empty()
            && self.relabelled.is_empty()
            && self.added.is_empty()
            && self.removed.is_empty()
            && self.changed.is_empty()
            && self.rows.is_empty()
    }

    /// How many objects are not as they were.
    pub fn len(&self) -> usize {
        self.renamed.len()
            + self.relabelled.len()
            + self.added.len()
            + self.removed.len()
            + self.changed.len()
            + self.rows.len()
    }
}

/// Compares. The order of columns, areas and recorded dependencies do not count; comments do.
pub fn diff<'a>(from: &'a Catalog, to: &'a Catalog, hints: &Hints) -> Difference<'a> {
    let (from, renamed) = match rename::apply(from, to, hints) {
        Some((from, renamed)) => (Cow::Owned(from), renamed),
        None => (Cow::Borrowed(from), Vec::new()),
    };
    let (mut added, mut changed) = (Vec::new(), Vec::new());
    let mut seeds = 0;
    for (place, (id, entry)) in to.iter().enumerate() {
        if id.kind == Kind::Seed {
            seeds += 1;
            continue;
        }
        match from.index_of(id) {
            None => added.push(place as u32),
            Some(old) => {
                if from.at(old).is_some_and(|(_, before)| !same(before, entry)) {
                    changed.push((old as u32, place as u32));
                }
            }
        }
    }
    // A look at all old objects is needed only where some are gone.
    let kept = to.len() - seeds - added.len();
    let mut removed: Vec<u32> = Vec::new();
    if kept < from.len() {
        let gone = from.iter().enumerate().filter(|(_, (id, _))| id.kind != Kind::Seed && !to.contains(id));
        removed.extend(gone.map(|(place, _)| place as u32));
    }
    let relabelled = relabel(&from, to, &mut removed, &mut added, &mut changed);
    let rows = rows::rows(&from, to);
    let rename_candidates = candidates::rename_candidates(&from, to, &removed, &added, &changed, hints);
    Difference { from, to, renamed, relabelled, added, removed, changed, rows, rename_candidates }
}

/// Whether both say the same.
fn same(a: &Entry, b: &Entry) -> bool {
    if a.comment != b.comment || a.owner != b.owner {
        return false;
    }
    match (&a.object, &b.object) {
        (Object::Table(a), Object::Table(b)) => {
            if a.columns == b.columns {
                return a == b;
            }
            if a.columns.len() != b.columns.len() {
                return false;
            }
            let find = |name: &str| b.columns.iter().find(|column| column.name == name);
            a.columns.iter().all(|column| find(&column.name) == Some(column)) && {
                let (mut a, mut b) = (a.clone(), b.clone());
                a.columns.clear();
                b.columns.clear();
                a == b
            }
        }
        // Whether it was filled is a matter of the moment.
        (Object::View(a), Object::View(b)) if a.no_data != b.no_data => View { no_data: a.no_data, ..b.clone() } == *a,
        (a, b) => a == b,
    }
}

/// Takes out of what is gone and what is new the pairs that differ in nothing but the name; and out of what is not as it was
/// those that have exchanged their names.
fn relabel(
    from: &Catalog,
    to: &Catalog,
    removed: &mut Vec<u32>,
    added: &mut Vec<u32>,
    changed: &mut Vec<(u32, u32)>,
) -> Vec<(u32, u32)> {
    type Key<'a> = (Kind, &'a str, &'a str);
    fn key(entry: &Entry) -> Option<Key<'_>> {
        let kind = match &entry.object {
            Object::Constraint(_) => Kind::Constraint,
            Object::Index(_) => Kind::Index,
            Object::Trigger(_) => Kind::Trigger,
            Object::Policy(_) => Kind::Policy,
            Object::Sequence(o) => {
                let (table, _) = o.owned_by.as_ref()?;
                return Some((Kind::Sequence, &table.schema, &table.name));
            }
            _ => return None,
        };
        entry.object.table().map(|table| (kind, table.schema.as_str(), table.name.as_str()))
    }
    let can = |place: u32| from.at(place as usize).is_some_and(|(_, entry)| key(entry).is_some());
    let mut other: Vec<(u32, u32)> = changed.iter().copied().filter(|pair| can(pair.0)).collect();
    if (removed.is_empty() || added.is_empty()) && other.len() < 2 {
        return Vec::new();
    }
    loop {
        let mut gone: FxHashMap<Key<'_>, Vec<(u32, Entry)>> = FxHashMap::default();
        for place in removed.iter().copied().chain(other.iter().map(|pair| pair.0)) {
            if let Some((_, entry)) = from.at(place as usize)
                && let (Some(key), Some(plain)) = (key(entry), rename::nameless(entry))
            {
                gone.entry(key).or_default().push((place, plain));
            }
        }
        let mut pairs = Vec::new();
        for place in added.iter().copied().chain(other.iter().map(|pair| pair.1)) {
            let Some((_, entry)) = to.at(place as usize) else { continue };
            let Some(candidates) = key(entry).and_then(|key| gone.get_mut(&key)) else { continue };
            let Some(plain) = rename::nameless(entry) else { continue };
            if let Some(n) = candidates.iter().position(|(_, other)| *other == plain) {
                pairs.push((candidates.remove(n).0, place));
            }
        }
        // Of what has its own name in both states, either both sides go by another one, or neither.
        let before = other.len();
        other.retain(|(old, new)| pairs.iter().any(|(a, _)| a == old) && pairs.iter().any(|(_, b)| b == new));
        if other.len() == before {
            removed.retain(|place| !pairs.iter().any(|(old, _)| old == place));
            added.retain(|place| !pairs.iter().any(|(_, new)| new == place));
            changed.retain(|pair| !other.contains(pair));
            return pairs;
        }
    }
}

/// The id at a place.
pub(crate) fn id(catalog: &Catalog, place: u32) -> Option<&ObjectId> {
    catalog.at(place as usize).map(|(id, _)| id)
}
