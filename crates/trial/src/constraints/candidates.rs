//! Rows that are tried: one that its table takes, with one thing changed.

use super::held::{Held, Promise};
use super::{Maker, edges};
use crate::rows::{NULL, Placed, base};
use specc_facts::Family;
use specc_model::{Entity, FieldIx, Model};
use std::collections::BTreeSet;

/// No more pairs of values are tried for one check.
const PAIRS: usize = 400;

/// Rows that are inserted one after the other, and what that is about.
pub(super) struct Candidate {
    pub(super) rows: Vec<Placed>,
    pub(super) about: String,
    pub(super) aim: Aim,
}

/// Why it is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// Whatever comes of it.
    Any,
    /// As one of many for this check.
    Check(usize),
}

impl Maker<'_, '_> {
    /// Rows with one thing changed.
    pub(super) fn candidates(&self, first: Option<&Placed>, target: &Placed, third: Option<&Placed>) -> Vec<Candidate> {
        let (model, entity) = (self.bench.model, self.bench.entity);
        let mut all = vec![Candidate { rows: vec![target.clone()], about: "a row".to_owned(), aim: Aim::Any }];
        let mut add = |row: Placed, about: String, aim: Aim| all.push(Candidate { rows: vec![row], about, aim });
        let divides = divides(entity);
        for (at, field) in entity.fields.iter().enumerate() {
            let free = field.generated.is_none() && field.identity.is_none();
            if !free || divides.contains(&at) || field.nullable && target.is_null(model, at) {
                continue;
            }
            add(target.with([(at, NULL.to_owned())]), format!("`{}` is null", field.name), Aim::Any);
        }
        for (at, check) in entity.checks.iter().enumerate() {
            for field in self.columns(at) {
                for value in edges::values(model, &check.expr.formula, target, field) {
                    let about = format!("check `{}`: `{}`", check.name, entity.fields[field].name);
                    add(target.with([(field, value)]), about, Aim::Check(at));
                }
            }
        }
        for (at, field) in entity.fields.iter().enumerate() {
            let specc_model::Base::Domain(id) = &field.ty.base else { continue };
            for check in &model.domains[id.0 as usize].checks {
                for value in edges::values(model, &check.expr.formula, target, at) {
                    add(target.with([(at, value)]), format!("domain of `{}`", field.name), Aim::Any);
                }
            }
        }
        for id in &entity.outgoing {
            let relation = model.relation(*id);
            let about = format!("reference `{}` to no row", relation.constraint);
            for field in &relation.fields {
                if let Some(value) = nobody(model, entity, *field) {
                    add(target.with([(*field, value)]), about.clone(), Aim::Any);
                }
            }
            let nobody = |field: &FieldIx| Some((*field, nobody(model, entity, *field)?));
            let all: Option<Vec<_>> = relation.fields.iter().map(nobody).collect();
            if let Some(all) = all {
                // Other references that share a column with it lead nowhere.
                let others = entity.outgoing.iter().filter(|other| *other != id).map(|other| model.relation(*other));
                let beside = others.filter(|other| other.fields.iter().any(|field| relation.fields.contains(field)));
                let beside = beside.flat_map(|other| other.fields.iter().copied());
                let empty = beside.filter(|field| !relation.fields.contains(field) && entity.fields[*field].nullable);
                let empty: Vec<_> = empty.map(|field| (field, NULL.to_owned())).collect();
                if all.len() > 1 || !empty.is_empty() {
                    add(target.with(all).with(empty), about, Aim::Any);
                }
            }
        }
        if let Some(first) = first {
            for set in 0..self.holder.uniques().len() {
                all.extend(self.alike(set, first, target, third));
            }
            for exclude in &entity.excludes {
                let fields: Vec<FieldIx> = exclude.elements.iter().filter_map(|(element, _)| element.field()).collect();
                let row = target.like(model, first, &fields);
                let about = format!("exclude `{}`", exclude.name);
                all.push(Candidate { rows: vec![row.clone()], about: about.clone(), aim: Aim::Any });
                for field in &fields {
                    let other = row.with([(*field, target.value(model, *field))]);
                    all.push(Candidate { rows: vec![other], about: about.clone(), aim: Aim::Any });
                }
            }
        }
        all
    }

    /// Rows that are like another in what is unique, and almost.
    pub(super) fn alike(&self, set: usize, first: &Placed, target: &Placed, third: Option<&Placed>) -> Vec<Candidate> {
        let (model, entity) = (self.bench.model, self.bench.entity);
        let unique = &self.holder.uniques()[set];
        let divides = divides(entity);
        let about = format!("unique `{}`", unique.name);
        let row = target.like(model, first, &unique.reads);
        let mut all = Vec::new();
        let mut add = |rows: Vec<Placed>, what: &str| {
            all.push(Candidate { rows, about: format!("{about}: {what}"), aim: Aim::Any });
        };
        add(vec![row.clone()], "the same");
        // With all of the references that have a column in it.
        let relations = entity.outgoing.iter().map(|id| model.relation(*id));
        let shared = relations.filter(|relation| relation.fields.iter().any(|field| unique.reads.contains(field)));
        let shared: Vec<FieldIx> = shared.flat_map(|relation| relation.fields.iter().copied()).collect();
        // And what checks say of it beside.
        let checks = entity.checks.iter().map(|check| check.expr.formula.columns());
        let beside = checks.filter(|read| read.iter().any(|(_, field)| unique.reads.contains(field)));
        let beside = beside.flatten().map(|(_, field)| field).filter(|field| entity.fields[*field].generated.is_none());
        let shared: Vec<FieldIx> = shared.into_iter().chain(beside).collect();
        if shared.iter().any(|field| !unique.reads.contains(field)) {
            add(vec![row.like(model, first, &shared)], "the same, with what belongs to it");
        }
        for field in &unique.reads {
            let own = &entity.fields[*field];
            if unique.reads.len() > 1 {
                let what = format!("another `{}`", own.name);
                add(vec![row.with([(*field, target.value(model, *field))])], &what);
            }
            let text = base(model, &own.ty) == Some(Family::Text);
            if unique.fields.is_none() && text && !row.is_null(model, *field) {
                let value = format!("upper(({})::text)", row.value(model, *field));
                add(vec![row.with([(*field, value)])], "in capitals");
            }
            if let Some(third) = third.filter(|_| own.nullable && !divides.contains(field)) {
                let second = target.with([(*field, NULL.to_owned())]);
                let third = third.like(model, &second, &unique.reads);
                add(vec![second, third], &format!("`{}` is null in both", own.name));
            }
        }
        all
    }

    /// For checks that nothing breaks when one column changes: two columns at once.
    pub(super) fn pairs(&self, target: &Placed, tried: &[Candidate], there: &[&Placed]) -> Vec<Candidate> {
        let mut all = Vec::new();
        for (at, check) in self.bench.entity.checks.iter().enumerate() {
            let broken = tried.iter().filter(|one| one.aim == Aim::Check(at)).any(|one| {
                let comes = one.rows.last().map(|row| self.holder.insert(there, row));
                matches!(comes, Some(Held::Refused { breaks, .. }) if breaks == [Promise::Check(at)])
            });
            let columns = self.columns(at);
            if broken || columns.len() < 2 {
                continue;
            }
            let formula = &check.expr.formula;
            let mut count = 0;
            for (nth, a) in columns.iter().enumerate() {
                for value in edges::values(self.bench.model, formula, target, *a) {
                    let row = target.with([(*a, value)]);
                    for b in &columns[nth + 1..] {
                        for value in edges::values(self.bench.model, formula, &row, *b) {
                            count += 1;
                            if count <= PAIRS {
                                let about = format!("check `{}`", check.name);
                                let rows = vec![row.with([(*b, value)])];
                                all.push(Candidate { rows, about, aim: Aim::Check(at) });
                            }
                        }
                    }
                }
            }
        }
        all
    }

    /// The columns of a check that somebody may give a value.
    fn columns(&self, check: usize) -> Vec<FieldIx> {
        let read = self.bench.entity.checks[check].expr.formula.columns().into_iter().map(|(_, field)| field);
        let divides = divides(self.bench.entity);
        read.filter(|field| self.bench.entity.fields[*field].generated.is_none() && !divides.contains(field)).collect()
    }
}

/// Columns that say in which part of a table a row is.
pub(super) fn divides(entity: &Entity) -> BTreeSet<FieldIx> {
    let by = entity.partition_by.iter().flat_map(|by| &by.elements);
    by.flat_map(|element| match &element.on {
        specc_model::On::Field(field) => vec![*field],
        specc_model::On::Expr(expr) => expr.formula.columns().into_iter().map(|(_, field)| field).collect(),
    })
    .collect()
}

/// A key that no row has.
fn nobody(model: &Model, entity: &Entity, field: FieldIx) -> Option<String> {
    Some(match base(model, &entity.fields[field].ty)? {
        Family::Uuid => "'ffffffff-ffff-4fff-bfff-fffffffffff0'".to_owned(),
        family if family.is_number() => "'30999'".to_owned(),
        Family::Text => "'nobody-0'".to_owned(),
        _ => return None,
    })
}
