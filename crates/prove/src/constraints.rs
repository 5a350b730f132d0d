//! What tables ask of their rows: references, checks, uniques.

use crate::encode::Env;
use crate::world::{Row, RowId, World};
use specc_model::{FieldIx, RelationId};
use std::collections::BTreeSet;

impl World<'_> {
    /// Holds a row to the references that a column is part of, as of when it was written.
    pub(crate) fn refer(&mut self, row: RowId, field: FieldIx) {
        let phase = self.rows[row].during.0.saturating_sub(1);
        self.in_phase(phase, |world| world.referred(row, field));
    }

    fn referred(&mut self, row: RowId, field: FieldIx) {
        let entity = self.rows[row].entity;
        let relations: Vec<RelationId> =
            self.relations(entity).filter(|id| self.model.relation(*id).fields.contains(&field)).collect();
        for id in relations {
            let relation = self.model.relation(id);
            // Where a column that nobody reads may be null, it is, and nothing is referred to; nor does it matter to what
            // a row refers that nothing asks about.
            let columns = &self.model.entity(entity).fields;
            let read = |field: &FieldIx| {
                self.rows[row].cells.contains_key(field) || self.is_live(entity) && !columns[*field].nullable
            };
            if !relation.fields.iter().all(read) {
                continue;
            }
            let mut clause = vec![!self.rows[row].exists];
            for field in &relation.fields {
                let value = self.value(row, *field);
                let there = self.circuit.any(value.cases.iter().map(|(lit, _)| *lit));
                clause.push(!there);
            }
            for target in self.table(relation.to) {
                let mut linked = self.rows[target].exists;
                for (from, to) in relation.fields.iter().zip(&relation.to_fields) {
                    let (a, b) = (self.value(row, *from), self.value(target, *to));
                    let equal = self.equal(&a, &b);
                    linked = self.circuit.and(linked, equal.yes);
                }
                clause.push(linked);
            }
            self.circuit.clause(&clause);
        }
    }

    /// How much of it there is: rows, and columns that were read.
    pub(crate) fn extent(&self) -> usize {
        self.rows.iter().map(|row| row.cells.len()).sum::<usize>() + self.rows.len()
    }

    /// Holds all rows to what their tables ask of the columns that were read.
    pub fn close(&mut self) {
        let mut done: BTreeSet<(RowId, usize)> = BTreeSet::new();
        loop {
            let before = self.extent();
            for row in 0..self.rows.len() {
                self.checked(row, &mut done);
            }
            if before == self.extent() {
                break;
            }
        }
        for a in 0..self.rows.len() {
            for b in a + 1..self.rows.len() {
                if self.circuit.is_full() {
                    return;
                }
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
            if read && crate::unknown::is_plain(formula) && done.insert((row, at)) {
                let holds = self.condition(formula, &Env::row(row));
                let exists = self.rows[row].exists;
                let broken = self.broken == Some((entity.id, at));
                self.circuit.clause(&[!exists, if broken { holds.no } else { !holds.no }]);
            }
        }
    }

    /// Whether a column of a row was read: one that a statement leaves is that of the row before.
    pub(crate) fn is_read(&self, row: RowId, field: FieldIx) -> bool {
        let Row { cells, was, .. } = &self.rows[row];
        let left = || was.as_ref().is_some_and(|(old, changed)| !changed.contains(&field) && self.is_read(*old, field));
        cells.contains_key(&field) || left()
    }

    /// Two rows of a table are not alike in what is unique.
    fn unique(&mut self, a: RowId, b: RowId) {
        let (first, second) = (&self.rows[a], &self.rows[b]);
        // What is asked with a row left out did happen beside it.
        let until = |row: RowId| if self.left_out.contains(&row) { usize::MAX } else { self.rows[row].during.1 };
        let together = first.during.0 < until(b) && second.during.0 < until(a);
        let clash = self.clash && [a, b].iter().any(|row| self.rows[*row].number.is_none());
        if first.entity != second.entity || !together || clash {
            return;
        }
        let entity = self.model.entity(first.entity);
        for set in entity.unique_sets().filter(|set| set.filter.is_none()) {
            let Some(fields) = set.fields else { continue };
            let known = |row: RowId| fields.iter().all(|field| self.is_read(row, *field));
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
