//! Rows that triggers write where base rows are put in, changed or taken out, and what has to be as it was all the same.

use crate::sums::{Rows, rows};
use smol_str::SmolStr;
use specc_migrate::Lost;
use specc_postgres::{Session, postgres};
use std::collections::{BTreeMap, BTreeSet};

/// What base rows stir up from some migration on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stirs {
    /// Of tables with triggers the columns that base rows give.
    given: BTreeMap<String, BTreeSet<SmolStr>>,
    /// Tables that such triggers write to.
    follows: BTreeSet<String>,
    /// How many rows are written.
    rows: usize,
}

impl Stirs {
    /// What the build said of it.
    pub fn new(given: BTreeSet<Lost>, follows: BTreeSet<Lost>, rows: usize) -> Self {
        let mut all = Self { rows, ..Self::default() };
        all.follows.extend(follows.into_iter().map(|lost| lost.table));
        for lost in given {
            all.given.entry(lost.table).or_default().extend(lost.column);
        }
        all
    }

    /// Whether a table as a whole, or a column of it, may be otherwise afterwards.
    pub fn may_differ(&self, table: &str, column: Option<&str>) -> bool {
        match column {
            None => self.follows.contains(table),
            Some(column) => self.given.get(table).is_some_and(|given| !given.contains(column)),
        }
    }

    /// The rows of the tables that it is about, each by itself.
    ///
    /// # Errors
    /// Where the server refuses a query.
    pub fn rows(
        &self,
        session: &mut Session,
        lost: impl Fn(&str, Option<&str>) -> bool,
    ) -> Result<Rows, postgres::Error> {
        if self.given.is_empty() {
            return Ok(Rows::new());
        }
        let is_about = |table: &str| self.follows.contains(table) || self.given.contains_key(table);
        rows(session, |table, column| column.is_none() && !is_about(table) || lost(table, column))
    }

    /// Rows that were there and are not there any more as they were, in words: in a table that is followed none, in one that has
    /// base rows no more than were written.
    pub fn missing(&self, before: &Rows, now: &Rows) -> Vec<String> {
        let mut wrong = Vec::new();
        for (table, was) in before {
            let Some(now) = now.get(table) else { continue };
            let mut left: BTreeMap<i64, i64> = BTreeMap::new();
            now.iter().for_each(|row| *left.entry(*row).or_default() += 1);
            let mut missing = 0;
            for row in was {
                match left.get_mut(row).filter(|count| **count > 0) {
                    Some(count) => *count -= 1,
                    None => missing += 1,
                }
            }
            let most = if self.given.contains_key(table) { self.rows } else { 0 };
            if missing > most {
                wrong.push(format!("{missing} of the {} rows of {table} are not the same", was.len()));
            }
        }
        wrong
    }
}
