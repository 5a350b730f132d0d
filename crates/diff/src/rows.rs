//! Seed rows that are new, gone or changed, found by their keys.

use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{Catalog, Kind, Object, Seed, SqlExpr, TableName};

/// Rows of one seed.
#[derive(Clone, Debug, PartialEq)]
pub struct RowChange {
    /// The seed with those rows only.
    pub seed: Seed,
    /// They are put in, or made as the seed says; otherwise they are taken out.
    pub put: bool,
}

/// A row: its table, what tells it apart, and where it stands.
type Key<'a> = (&'a TableName, Vec<(&'a SmolStr, &'a SqlExpr)>);

fn seeds(catalog: &Catalog) -> Vec<&Seed> {
    let mut all: Vec<&Seed> = catalog
        .iter()
        .filter(|(id, _)| id.kind == Kind::Seed)
        .filter_map(|(_, entry)| match &entry.object {
            Object::Seed(seed) => Some(seed),
            _ => None,
        })
        .collect();
    all.sort_by_key(|seed| seed.order);
    all
}

fn key<'a>(seed: &'a Seed, row: &'a [SqlExpr]) -> Key<'a> {
    key_by(seed, row, &seed.key)
}

/// What these columns of the row say, where it gives them.
fn key_by<'a>(seed: &'a Seed, row: &'a [SqlExpr], by: &'a [SmolStr]) -> Key<'a> {
    let cell = |column: &'a SmolStr| {
        let place = seed.columns.iter().position(|other| other == column)?;
        Some((column, row.get(place)?))
    };
    let mut cells: Vec<_> =
        if by.is_empty() { seed.columns.iter().zip(row).collect() } else { by.iter().filter_map(cell).collect() };
    cells.sort_unstable_by_key(|cell| cell.0);
    (&seed.table, cells)
}

/// The row as a whole, columns sorted.
fn whole<'a>(seed: &'a Seed, row: &'a [SqlExpr]) -> Vec<(&'a SmolStr, &'a SqlExpr)> {
    let mut cells: Vec<_> = seed.columns.iter().zip(row).collect();
    cells.sort_unstable_by_key(|cell| cell.0);
    cells
}

/// What differs, rows to take out last first, then rows to put in.
pub(crate) fn rows(from: &Catalog, to: &Catalog) -> Vec<RowChange> {
    let (old, new) = (seeds(from), seeds(to));
    let same = old.len() == new.len()
        && old.iter().zip(&new).all(|(a, b)| {
            a.table == b.table && a.columns == b.columns && a.key == b.key && a.rows == b.rows && a.update == b.update
        });
    if same {
        return Vec::new();
    }
    type Rows<'a> = FxHashMap<Key<'a>, (bool, Vec<(&'a SmolStr, &'a SqlExpr)>)>;
    let index = |seeds: &[&'_ Seed]| -> usize { seeds.iter().map(|seed| seed.rows.len()).sum() };
    let mut before: Rows<'_> = FxHashMap::with_capacity_and_hasher(index(&old), Default::default());
    for seed in &old {
        for row in &seed.rows {
            before.insert(key(seed, row), (seed.update, whole(seed, row)));
        }
    }
    let mut after: Rows<'_> = FxHashMap::with_capacity_and_hasher(index(&new), Default::default());
    for seed in &new {
        for row in &seed.rows {
            after.insert(key(seed, row), (seed.update, whole(seed, row)));
        }
    }
    let part = |seed: &Seed, keep: &dyn Fn(&[SqlExpr]) -> bool| {
        let rows: Vec<_> = seed.rows.iter().filter(|row| keep(row)).cloned().collect();
        (!rows.is_empty()).then(|| Seed { rows, ..seed.clone() })
    };
    let mut all = Vec::new();
    for seed in old.iter().rev() {
        // Rows of a table that goes go with it.
        if seed.key.is_empty() || to.get(&seed.table.id()).is_none() && from.get(&seed.table.id()).is_some() {
            continue;
        }
        // A row may be found by other columns than before.
        let by: Vec<&[SmolStr]> =
            new.iter().filter(|other| other.table == seed.table).map(|other| other.key.as_slice()).collect();
        let stays = |row: &[SqlExpr]| by.iter().any(|by| after.contains_key(&key_by(seed, row, by)));
        let gone = part(seed, &|row| !after.contains_key(&key(seed, row)) && !stays(row));
        all.extend(gone.map(|seed| RowChange { seed, put: false }));
    }
    for seed in new {
        let changed = part(seed, &|row| match before.get(&key(seed, row)) {
            None => true,
            Some((_, cells)) => seed.update && *cells != whole(seed, row),
        });
        all.extend(changed.map(|seed| RowChange { seed, put: true }));
    }
    all
}
