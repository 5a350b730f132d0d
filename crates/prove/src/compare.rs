//! Values of a [`World`] beside each other.

use crate::circuit::{Lit, Tri};
use crate::sorts::Val;
use crate::world::{Cell, RowId, Sym, World};
use rustc_hash::FxHashMap;
use specc_model::FieldIx;

/// From so many pairs of values on, those that are the same are looked up.
const MANY: usize = 1_000;

impl World<'_> {
    /// `=`
    pub fn equal(&mut self, a: &Sym, b: &Sym) -> Tri {
        if self.circuit.is_full() {
            return Tri::NULL;
        }
        let mut same = Vec::new();
        if a.cases.len() * b.cases.len() < MANY {
            for (left, value) in a.cases.iter() {
                for (right, _) in b.cases.iter().filter(|(_, other)| other == value) {
                    same.push(self.circuit.and(*left, *right));
                }
            }
        } else {
            let mut by_value: FxHashMap<&Val, Vec<Lit>> = FxHashMap::default();
            b.cases.iter().for_each(|(right, value)| by_value.entry(value).or_default().push(*right));
            for (left, value) in a.cases.iter() {
                for right in by_value.get(value).into_iter().flatten() {
                    same.push(self.circuit.and(*left, *right));
                }
            }
        }
        let yes = self.circuit.any(same);
        let both = self.both(a, b);
        Tri { yes, no: self.circuit.and(both, !yes) }
    }

    /// `<`, or `<=` with `or_equal`. None where their order is not known.
    pub fn less(&mut self, a: &Sym, b: &Sym, or_equal: bool) -> Option<Tri> {
        let id = a.sort.or(b.sort)?;
        let source = self.sorts.get_any(id)?;
        let (_, domain) = self.domain(&source);
        let ranks: FxHashMap<&Val, usize> = domain.iter().enumerate().map(|(rank, value)| (value, rank)).collect();
        let rank = |value: &Val| ranks.get(value).copied();
        let mut at = vec![(Lit::FALSE, Lit::FALSE); domain.len()];
        for (lit, value) in a.cases.iter() {
            let rank = rank(value)?;
            at[rank].0 = self.circuit.or(at[rank].0, *lit);
        }
        for (lit, value) in b.cases.iter() {
            let rank = rank(value)?;
            at[rank].1 = self.circuit.or(at[rank].1, *lit);
        }
        let (mut holds, mut above) = (Vec::new(), Lit::FALSE);
        for (left, right) in at.into_iter().rev() {
            let or_here = if or_equal { self.circuit.or(above, right) } else { above };
            holds.push(self.circuit.and(left, or_here));
            above = self.circuit.or(above, right);
        }
        let yes = self.circuit.any(holds);
        let both = self.both(a, b);
        Some(Tri { yes, no: self.circuit.and(both, !yes) })
    }

    /// Neither is null.
    fn both(&mut self, a: &Sym, b: &Sym) -> Lit {
        let (a, b) = (self.present(a), self.present(b));
        self.circuit.and(a, b)
    }

    /// It is not null.
    pub fn present(&mut self, sym: &Sym) -> Lit {
        self.circuit.any(sym.cases.iter().map(|(lit, _)| *lit))
    }

    /// Whether a column of two rows differs, null being equal to null.
    pub fn differs(&mut self, a: RowId, b: RowId, field: FieldIx) -> Lit {
        match (self.cell(a, field), self.cell(b, field)) {
            (Cell::Value(a), Cell::Value(b)) => !self.same(&a, &b),
            (Cell::Condition(a), Cell::Condition(b)) => self.distinct(a, b),
            (Cell::Set(a), Cell::Set(b)) => self.sets_differ(&a, &b),
            _ => Lit::FALSE,
        }
    }

    /// `is distinct from`, of truth values.
    pub fn distinct(&mut self, a: Tri, b: Tri) -> Lit {
        let (yes, no) = (self.circuit.and(a.yes, !b.yes), self.circuit.and(!a.yes, b.yes));
        let (other, more) = (self.circuit.and(a.no, !b.no), self.circuit.and(!a.no, b.no));
        self.circuit.any([yes, no, other, more])
    }

    /// `is not distinct from`
    pub fn same(&mut self, a: &Sym, b: &Sym) -> Lit {
        let (left, right) = (self.present(a), self.present(b));
        let equal = self.equal(a, b).yes;
        let neither = self.circuit.and(!left, !right);
        self.circuit.or(equal, neither)
    }
}
