//! Arrays, as far as rules ask what is in them: `viewer = any (reader_ids)`.

use crate::circuit::{Lit, Tri};
use crate::encode::Env;
use crate::sorts::{Source, Val};
use crate::world::{Cell, RowId, Sym, World};
use specc_model::formula::{Form, Formula, Node, Part, Value};
use specc_model::{FieldIx, Type};
use std::rc::Rc;

/// What is in an array that is not decided yet.
#[derive(Clone, Debug)]
pub struct Set {
    /// Whether it is there at all.
    pub present: Lit,
    /// When which value is in it.
    pub cases: Rc<[(Lit, Val)]>,
}

/// Whether its values are arrays of one dimension.
pub(crate) fn is_array(ty: &Type) -> bool {
    ty.dims == 1
}

/// The value and the array of `value = any (array)`.
pub fn any_of(formula: &Formula) -> Option<(&Formula, &Formula)> {
    let Node::Form(form) = &formula.bare().node else { return None };
    of_form(form)
}

/// The same of a form.
pub fn of_form(form: &Form) -> Option<(&Formula, &Formula)> {
    let mut operands = form.parts.iter().filter_map(crate::sorts::operand);
    let (value, array) = (operands.next()?, operands.next()?);
    let words = form.parts.iter().find_map(|part| match part {
        Part::Words(words) => Some(words.trim()),
        _ => None,
    });
    let is_any = words.is_some_and(|words| words.starts_with("= any") || words.starts_with("= some"));
    (is_any && operands.next().is_none() && is_array(&array.ty)).then_some((value, array))
}

/// The two sides of what says that a value is that of a column, or in it.
pub fn matched(formula: &Formula) -> Option<(&Formula, &Formula)> {
    formula.equality().or_else(|| any_of(formula))
}

/// An array without a cast to what it is: paths have one where they stand in `any (…)`.
fn as_it_is(array: &Formula) -> &Formula {
    match &array.bare().node {
        Node::Cast(cast) if cast.of.ty.base == array.ty.base && is_array(&cast.of.ty) => as_it_is(&cast.of),
        _ => array.bare(),
    }
}

/// The elements of an array that is written down.
fn elements(text: &str) -> Option<Vec<Val>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    if inner.contains(['"', '{', '\\']) {
        return None;
    }
    Some(inner.split(',').map(str::trim).filter(|word| !word.is_empty()).map(Val::of_text).collect())
}

impl<'m> World<'m> {
    /// An array of a column that may be anything.
    pub(crate) fn any_set(&mut self, source: &Source, nullable: bool) -> Cell {
        let values = self.domain(source).1;
        let present = if nullable { self.choice() } else { Lit::TRUE };
        let cases: Vec<_> = values.into_iter().map(|value| (self.choice(), value)).collect();
        cases.iter().for_each(|(lit, _)| self.circuit.clause(&[!*lit, present]));
        Cell::Set(Set { present, cases: cases.into() })
    }

    /// An array that is written down.
    pub(crate) fn given_set(&mut self, formula: &Formula) -> Option<Cell> {
        let mut formula = formula.bare();
        while let Node::Cast(cast) = &formula.node {
            formula = cast.of.bare();
        }
        let Node::Literal(value) = &formula.node else { return None };
        if *value == Value::Null {
            return Some(Cell::Set(Set { present: Lit::FALSE, cases: Rc::new([]) }));
        }
        let cases: Vec<_> = elements(value.text()?)?.into_iter().map(|value| (Lit::TRUE, value)).collect();
        Some(Cell::Set(Set { present: Lit::TRUE, cases: cases.into() }))
    }

    /// Whether a value is in an array; null where either is.
    fn contains(&mut self, set: &Set, value: &Sym) -> Tri {
        let mut any = Vec::new();
        for (lit, value) in value.cases.iter() {
            for (has, _) in set.cases.iter().filter(|(_, other)| other == value) {
                any.push(self.circuit.and(*lit, *has));
            }
        }
        let yes = self.circuit.any(any);
        let there = self.present(value);
        Tri { yes, no: self.circuit.all([there, set.present, !yes]) }
    }

    /// Whether a column of a row says a value, or has it among others.
    pub fn says(&mut self, row: RowId, field: FieldIx, value: &Sym) -> Tri {
        match self.cell(row, field) {
            Cell::Set(set) => self.contains(&set, value),
            Cell::Value(own) => self.equal(&own, value),
            Cell::Condition(_) => Tri::NULL,
        }
    }

    /// `value = any (array)`, where the array is a column, or is written down.
    pub(crate) fn in_array(&mut self, value: &'m Formula, array: &'m Formula, env: &Env<'m>) -> Option<Tri> {
        if let Some(Cell::Set(set)) = self.given_set(array) {
            let value = self.evaluate(value, env);
            return Some(self.contains(&set, &value));
        }
        let (place, field) = self.place_of(as_it_is(array), env)?;
        let value = self.evaluate(value, env);
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        for (there, row) in place {
            let Cell::Set(set) = self.cell(row, field) else { return None };
            let found = self.contains(&set, &value);
            yes.push(self.circuit.and(there, found.yes));
            no.push(self.circuit.and(there, found.no));
        }
        Some(Tri { yes: self.circuit.any(yes), no: self.circuit.any(no) })
    }

    /// Whether two arrays have not the same in them.
    pub(crate) fn sets_differ(&mut self, a: &Set, b: &Set) -> Lit {
        let mut any = Vec::new();
        let mut beside = |world: &mut Self, a: &Set, b: &Set| {
            for (lit, value) in a.cases.iter() {
                let other = b.cases.iter().find(|(_, other)| other == value).map_or(Lit::FALSE, |(lit, _)| *lit);
                any.push(world.circuit.and(*lit, !other));
            }
            any.push(world.circuit.and(a.present, !b.present));
        };
        beside(self, a, b);
        beside(self, b, a);
        self.circuit.any(any)
    }
}
