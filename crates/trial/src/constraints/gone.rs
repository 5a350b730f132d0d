//! What follows a deletion: rows that go too, references that are emptied, deletions that are refused.

use super::Maker;
use super::held::refers;
use crate::rows::{Asked, NULL, Placed};
use crate::{Try, Wanted};
use specc_model::{FieldIx, Model, RelationId, RuleAction};
use specc_syntax::ast::RefActionKind;
use std::collections::{BTreeMap, BTreeSet};

/// What comes of a deletion.
enum After {
    /// These rows are gone, and these are other.
    Rows(BTreeSet<usize>, BTreeMap<usize, Placed>),
    /// It is refused: by one of these.
    Refused(BTreeSet<String>),
    /// That depends on an order that nobody says.
    Unknown,
}

/// What is done to a row that refers to one that goes.
fn action(model: &Model, id: RelationId) -> RefActionKind {
    model.relation(id).options.on_delete.as_ref().map_or(RefActionKind::NoAction, |action| action.kind)
}

/// The columns that are emptied.
fn emptied(model: &Model, id: RelationId) -> Vec<FieldIx> {
    let relation = model.relation(id);
    let entity = model.entity(relation.from);
    let named = relation.options.on_delete.iter().flat_map(|action| &action.columns);
    let named: Vec<FieldIx> =
        named.filter_map(|name| entity.fields.iter().position(|field| field.name == name.text)).collect();
    if named.is_empty() { relation.fields.clone() } else { named }
}

/// What comes of it when a row is deleted.
fn delete(model: &Model, rows: &[&Placed], which: usize) -> After {
    let mut gone = BTreeSet::from([which]);
    let mut changed: BTreeMap<usize, Placed> = BTreeMap::new();
    let mut refused = BTreeSet::new();
    let mut waiting = vec![which];
    let mut kept = Vec::new();
    while let Some(at) = waiting.pop() {
        for id in &model.entity(rows[at].entity).incoming {
            for other in (0..rows.len()).filter(|other| refers(model, rows[*other], *id, rows[at])) {
                match action(model, *id) {
                    RefActionKind::Cascade => {
                        if gone.insert(other) {
                            waiting.push(other);
                        }
                    }
                    RefActionKind::Restrict => kept.push((other, *id, true)),
                    RefActionKind::NoAction => kept.push((other, *id, false)),
                    kind => {
                        let row = changed.entry(other).or_insert_with(|| rows[other].clone());
                        for field in emptied(model, *id) {
                            if kind == RefActionKind::SetNull {
                                row.values.insert(field, NULL.to_owned());
                            } else {
                                row.values.remove(&field);
                            }
                        }
                        if kind == RefActionKind::SetDefault {
                            kept.push((other, *id, false));
                        }
                    }
                }
            }
        }
    }
    for (other, id, at_once) in kept {
        let now = changed.get(&other).unwrap_or(rows[other]);
        let left = |at: &usize| !gone.contains(at);
        let leads = (0..rows.len()).filter(left).any(|at| refers(model, now, id, rows[at]));
        let empty = model.relation(id).fields.iter().any(|field| now.is_null(model, *field));
        match (at_once, gone.contains(&other) || leads || empty) {
            (false, true) => {}
            (true, true) => return After::Unknown,
            (_, false) => drop(refused.insert(model.relation(id).constraint.to_string())),
        }
    }
    for (other, row) in &changed {
        let fields = &model.entity(row.entity).fields;
        let asked = |field: &FieldIx| !fields[*field].nullable && row.is_null(model, *field);
        if !gone.contains(other) && (0..fields.len()).any(|field| asked(&field)) {
            return After::Unknown;
        }
    }
    if refused.is_empty() { After::Rows(gone, changed) } else { After::Refused(refused) }
}

impl Maker<'_, '_> {
    /// Deletes each row that the first refers to, and looks what became of that.
    pub(super) fn gone(&mut self, there: &[&Placed], first: &Placed, server: &mut dyn Asked) -> Vec<Try> {
        let (model, entity) = (self.bench.model, self.bench.entity);
        let own = there.iter().position(|row| *row == first);
        let (Some(own), Some(found)) = (own, first.found(model)) else { return Vec::new() };
        let mut tries = Vec::new();
        for id in &entity.outgoing {
            let relation = model.relation(*id);
            let target = there.iter().position(|row| refers(model, first, *id, row)).filter(|at| *at != own);
            let Some((target, which)) = target.and_then(|at| Some((at, there[at].found(model)?))) else { continue };
            let kind = action(model, *id);
            let after = delete(model, there, target);
            let done = format!(
                "delete from {} where {which}; set constraints all immediate",
                specc_prove::table(model, relation.to)
            );
            let table = specc_prove::table(model, entity.id);
            let (sql, expected) = match after {
                After::Unknown => continue,
                After::Refused(by) => {
                    // The later versions tell those apart that are refused at once.
                    let states = vec!["23503".to_owned(), "23001".to_owned()];
                    (done, Wanted::Refused { states, by: by.into_iter().collect() })
                }
                After::Rows(gone, _) if gone.contains(&own) => {
                    (format!("{done}; select from {table} where {found}"), Wanted::Rows(0))
                }
                After::Rows(_, changed) => {
                    let others = changed.iter().any(|(at, _)| *at != own && there[*at].entity != entity.id);
                    let row = changed.get(&own).cloned().unwrap_or_else(|| first.clone());
                    self.holder.learn([&row], server);
                    let passes = (0..entity.checks.len()).all(|at| self.holder.passes(&row, at) == Some(true));
                    // What a check says of another table's row is not asked.
                    if others || !passes {
                        continue;
                    }
                    let is = relation.fields.iter().map(|field| {
                        let column = crate::rows::column(entity, *field);
                        format!("{column} is not distinct from {}", row.value(model, *field))
                    });
                    let is: Vec<String> = is.collect();
                    (format!("{done}; select from {table} where {found} and {}", is.join(" and ")), Wanted::Rows(1))
                }
            };
            let word = match kind {
                RefActionKind::Cascade => "cascade",
                RefActionKind::Restrict => "restrict",
                RefActionKind::SetNull => "set null",
                RefActionKind::SetDefault => "set default",
                RefActionKind::NoAction => "no action",
            };
            let what = format!("reference `{}`: on delete {word}", relation.constraint);
            // A refusal by several says nothing of one of them.
            let alone = !matches!(&expected, Wanted::Refused { by, .. } if by.len() > 1);
            let mut sees = Vec::new();
            if alone {
                sees.push(self.bench.promise(what.clone(), relation.span));
            }
            tries.push(Try { command: RuleAction::Delete, sql, expected, about: what, sees });
        }
        tries
    }
}
