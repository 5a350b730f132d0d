//! Rows of any number for the tables of a catalog: of the right types, unique where they must be, taken by the checks, and referring
//! to rows that are there.
//!
//! A row is a function of its number: nothing is kept of those that are written, so that a table of any size takes as much memory as
//! the keys that it refers to. Where a unique constraint stands, a column tells rows apart by their numbers, or two references go
//! through their pairs. A check that a row does not fit is made to hold by changing what it reads.

mod checks;
mod domain;
mod draw;
pub mod fake;
pub mod hash;
mod hold;
mod pattern;
mod prepare;
mod said;
mod table;
mod value;
mod words;

pub use draw::Skew;
pub use table::Maker;

use smol_str::SmolStr;
use specc_catalog::{Catalog, ForeignKey, Object, Table, TableName};
use std::collections::{BTreeMap, BTreeSet};

/// What is asked of the rows of a table.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// How many are to be made.
    pub rows: u64,
    /// How many are there already: new ones are numbered after them.
    pub start: u64,
    /// The first free number of integer columns that are unique.
    pub numbers: BTreeMap<SmolStr, i64>,
    /// What is said of columns.
    pub columns: BTreeMap<SmolStr, Wish>,
    /// Conditions that rows meet beside the checks of the table, as SQL over its columns.
    pub conditions: Vec<String>,
    /// Those of them that are not followed here, and that a server decides ([`Maker::wished`]); others are left out.
    pub decided: Vec<String>,
    /// Of a column that [`Maker::questions`] asks of: the values that its conditions take.
    pub lists: BTreeMap<SmolStr, Vec<String>>,
    /// How rows are given out to those that they refer to, by the columns of the reference.
    pub references: BTreeMap<Vec<SmolStr>, Skew>,
}

/// What is said of a column.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// How many of 1 have none.
    pub nulls: Option<f64>,
    /// How many different values there are, and how often each.
    pub values: Option<(u64, Skew)>,
    /// How many of 1 have this value.
    pub shares: Vec<(SmolStr, f64)>,
    /// Later rows have later values.
    pub grows: Option<bool>,
    /// What a text is about, as `fake` has it.
    pub about: Option<SmolStr>,
    /// Characters of a text.
    pub width: Option<u64>,
    /// All have this value.
    pub fixed: Option<SmolStr>,
}

/// Why a table gets no rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacks(pub String);

impl std::fmt::Display for Lacks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which values of a column pass conditions that only a server can decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The column.
    pub column: SmolStr,
    /// A query with one parameter, a list of texts, that gives those that pass.
    pub query: String,
    /// The texts.
    pub candidates: Vec<String>,
}

/// Keys that rows can refer to, as texts.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    width: usize,
    text: String,
    ends: Vec<usize>,
}

impl Keys {
    /// Of so many columns.
    pub fn new(width: usize) -> Self {
        Self { width: width.max(1), text: String::new(), ends: Vec::new() }
    }

    /// Adds a value: those of a key one after the other.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.ends.len() / self.width
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A value of a key.
    pub fn text(&self, key: usize, column: usize) -> &str {
        let at = key * self.width + column;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start..self.ends[at]]
    }
}

/// The references of a table, as [`Maker::new`] takes their keys.
pub fn references<'c>(catalog: &'c Catalog, table: &TableName) -> Vec<&'c ForeignKey> {
    said::said(catalog, table).keys
}

/// Whether no two rows have the same in these columns.
pub fn is_once(catalog: &Catalog, table: &TableName, columns: &[SmolStr]) -> bool {
    said::said(catalog, table).unique.iter().any(|set| set.iter().all(|name| columns.contains(name)))
}

/// Tables that get rows, what others refer to first. Where references go in a circle, one that may be empty is left for the end.
pub fn order(catalog: &Catalog) -> Vec<&Table> {
    let tables: BTreeMap<&TableName, &Table> = catalog
        .iter()
        .filter_map(|(_, entry)| match &entry.object {
            Object::Table(table) if table.partition_of.is_none() => Some((&table.table, &**table)),
            _ => None,
        })
        .collect();
    let needs: BTreeMap<&TableName, Vec<(TableName, bool)>> = tables
        .iter()
        .map(|(name, table)| {
            let nullable = |key: &ForeignKey| {
                table.columns.iter().any(|column| column.nullable && key.columns.contains(&column.name))
            };
            let of = |key: &ForeignKey| (key.target.clone(), nullable(key));
            (*name, references(catalog, name).into_iter().map(of).collect())
        })
        .collect();
    let (mut left, mut done, mut sorted): (Vec<&TableName>, BTreeSet<&TableName>, Vec<&Table>) =
        (tables.keys().copied().collect(), BTreeSet::new(), Vec::new());
    while !left.is_empty() {
        let waits = |name: &TableName, soft: bool| {
            needs[name].iter().any(|(target, nullable)| {
                target != name && tables.contains_key(target) && !done.contains(target) && (soft || !nullable)
            })
        };
        let (mut ready, mut rest): (Vec<_>, Vec<_>) = left.into_iter().partition(|name| !waits(name, true));
        if ready.is_empty() {
            let first = rest.iter().position(|name| !waits(name, false)).unwrap_or(0);
            ready.push(rest.remove(first));
        }
        done.extend(ready.iter());
        sorted.extend(ready.iter().map(|name| tables[*name]));
        left = rest;
    }
    sorted
}
