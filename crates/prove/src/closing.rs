//! What tables ask of their rows, where a [`World`] has read the columns for it.

use crate::encode::Env;
use crate::world::{RowId, World};
use std::collections::BTreeSet;

impl World<'_> {
    /// Holds all rows to what their tables ask of the columns that were read.
    pub fn close(&mut self) {
        let mut done: BTreeSet<(RowId, usize)> = BTreeSet::new();
        loop {
            let before = self.rows.iter().map(|row| row.cells.len()).sum::<usize>() + self.rows.len();
            for row in 0..self.rows.len() {
                self.checked(row, &mut done);
            }
            let after = self.rows.iter().map(|row| row.cells.len()).sum::<usize>() + self.rows.len();
            if before == after {
                break;
            }
        }
        for a in 0..self.rows.len() {
            for b in a + 1..self.rows.len() {
                self.unique(a, b);
            }
        }
    }

    fn checked(&mut self, row: RowId, done: &mut BTreeSet<(RowId, usize)>) {
        let entity = self.model.entity(self.rows[row].entity);
        for (at, check) in entity.checks.iter().enumerate() {
            let formula = &check.expr.formula;
            let fields = formula.columns();
            let read = fields.iter().any(|(_, field)| self.rows[row].cells.contains_key(field));
            if read && crate::encode::is_plain(formula) && done.insert((row, at)) {
                let holds = self.condition(formula, &Env::row(row));
                let exists = self.rows[row].exists;
                self.circuit.clause(&[!exists, !holds.no]);
            }
        }
    }

    /// Two rows of a table are not alike in what is unique.
    fn unique(&mut self, a: RowId, b: RowId) {
        let (first, second) = (&self.rows[a], &self.rows[b]);
        let together = first.during.0 < second.during.1 && second.during.0 < first.during.1;
        let clash = self.clash && [a, b].iter().any(|row| self.rows[*row].number.is_none());
        if first.entity != second.entity || !together || clash {
            return;
        }
        let entity = self.model.entity(first.entity);
        for set in entity.unique_sets().filter(|set| set.filter.is_none()) {
            let Some(fields) = set.fields else { continue };
            let known = |row: RowId| fields.iter().all(|field| self.rows[row].cells.contains_key(field));
            if !known(a) || !known(b) {
                continue;
            }
            let mut clause = vec![!self.rows[a].exists, !self.rows[b].exists];
            for field in fields {
                let (a, b) = (self.value(a, field), self.value(b, field));
                clause.push(!self.equal(&a, &b).yes);
            }
            self.circuit.clause(&clause);
        }
    }
}
