//! A small database that a real one takes as it is: every row has what its table asks for, parents among that.
//!
//! A question reads the columns that decide it, and the others cannot matter to it. A real table asks for more: what a row
//! must refer to, what no two rows share, what its checks say. Those columns are read here as well, so that the solver
//! gives them values that fit together. What is left after that takes any value of its type.

use crate::circuit::Lit;
use crate::encode::Env;
use crate::sorts::Source;
use crate::unknown::is_plain;
use crate::world::{Cell, RowId, World};
use rustc_hash::FxHashMap;
use specc_facts::{Family, family};
use specc_model::{Base, Entity, EntityId, Field, FieldIx, Model, RuleAction};
use specc_syntax::ast::RefActionKind;
use std::collections::BTreeSet;

/// No more rows of an entity are made for what must refer to one each.
const MOST: usize = 9;

/// Adds the rows that one row each has to refer to: who has a key of its own account needs an account of its own.
pub fn room(model: &Model, sizes: &mut FxHashMap<EntityId, usize>) {
    for _ in 0..model.entities.len().min(64) + 1 {
        let mut grown = false;
        let mut known: Vec<(EntityId, usize)> = sizes.iter().map(|(entity, rows)| (*entity, *rows)).collect();
        known.sort();
        for (entity, rows) in known {
            for id in &model.entity(entity).outgoing {
                let relation = model.relation(*id);
                let needed = if relation.inverse_one && !relation.nullable { rows } else { 1 };
                let there = sizes.entry(relation.to).or_insert(1);
                if *there < needed.min(MOST) {
                    *there = needed.min(MOST);
                    grown = true;
                }
            }
        }
        if !grown {
            return;
        }
    }
}

/// Whether a column that nobody reads can have another value in each row.
pub(crate) fn is_spread(field: &Field) -> bool {
    let Base::Builtin(name) = &field.ty.base else { return false };
    let family = family(name);
    field.ty.dims == 0
        && field.relation.is_none()
        && (family.is_number() || matches!(family, Family::Text | Family::Uuid | Family::Moment))
}

/// The columns that no two rows share, each set alone.
pub(crate) fn unique_columns(entity: &Entity) -> BTreeSet<FieldIx> {
    entity.unique_sets().filter_map(|set| set.fields).flatten().collect()
}

impl<'m> World<'m> {
    /// Reads the columns that the tables ask for, and holds all rows to what they ask.
    pub fn complete(&mut self) {
        self.atoms = None;
        let mut needed: FxHashMap<EntityId, BTreeSet<FieldIx>> = FxHashMap::default();
        loop {
            let before = self.extent();
            for row in 0..self.rows.len() {
                // What is changed of a row is what somebody says.
                if self.rows[row].was.is_some() {
                    continue;
                }
                let entity = self.rows[row].entity;
                let fields = needed.entry(entity).or_insert_with(|| self.needed(entity)).clone();
                for field in fields {
                    if !self.rows[row].left.contains(&field) {
                        self.cell(row, field);
                    }
                }
            }
            if before == self.extent() {
                break;
            }
        }
        self.close();
        for a in 0..self.rows.len() {
            for b in a + 1..self.rows.len() {
                self.partly_unique(a, b);
            }
        }
        for row in 0..self.rows.len() {
            self.left_out(row);
        }
    }

    /// The columns without which a row cannot be made.
    fn needed(&self, id: EntityId) -> BTreeSet<FieldIx> {
        let entity = self.model.entity(id);
        let given = |field: &FieldIx| {
            let column = &entity.fields[*field];
            column.generated.is_none() && column.maintained.is_none()
        };
        let mut needed: BTreeSet<FieldIx> = entity.key.iter().flat_map(|key| key.fields.iter().copied()).collect();
        for relation in entity.outgoing.iter().map(|id| self.model.relation(*id)) {
            if relation.fields.iter().all(|field| !entity.fields[*field].nullable) {
                needed.extend(&relation.fields);
            }
        }
        for check in &entity.checks {
            if is_plain(&check.expr.formula) {
                needed.extend(check.expr.formula.columns().into_iter().map(|(_, field)| field));
            }
        }
        for fields in entity.unique_sets().filter_map(|set| set.fields) {
            let differs = |field: &FieldIx| {
                let column = &entity.fields[*field];
                !needed.contains(field)
                    && self.sorts.get(&Source::Field(id, *field)).is_none()
                    && (is_spread(column) || column.nullable && column.default.is_none())
            };
            if !fields.iter().any(differs) {
                needed.extend(fields);
            }
        }
        needed.retain(given);
        needed
    }

    /// A row that leaves to the table what has no default cannot be made.
    fn left_out(&mut self, row: RowId) {
        let entity = self.model.entity(self.rows[row].entity);
        let missing = |field: &FieldIx| {
            let column = &entity.fields[*field];
            let made = column.default.is_some() || column.identity.is_some() || column.generated.is_some();
            !column.nullable && !made && column.maintained.is_none()
        };
        if self.rows[row].left.iter().any(missing) {
            self.circuit.clause(&[!self.rows[row].exists]);
        }
    }

    /// Two rows are not alike in what is unique where a condition holds.
    fn partly_unique(&mut self, a: RowId, b: RowId) {
        let replaced = |row: RowId, other: RowId| self.rows[row].was.as_ref().is_some_and(|(was, _)| *was == other);
        if self.rows[a].entity != self.rows[b].entity || replaced(a, b) || replaced(b, a) {
            return;
        }
        let entity = self.model.entity(self.rows[a].entity);
        for set in entity.unique_sets() {
            let (Some(fields), Some(filter)) = (set.fields, set.filter) else { continue };
            let known = |row: RowId| fields.iter().all(|field| self.rows[row].cells.contains_key(field));
            if !is_plain(&filter.formula) || !known(a) || !known(b) {
                continue;
            }
            let mut clause = vec![!self.rows[a].exists, !self.rows[b].exists];
            for row in [a, b] {
                let holds = self.condition(&filter.formula, &Env::row(row));
                clause.push(!holds.yes);
            }
            for field in fields {
                clause.push(self.differs(a, b, field));
            }
            self.circuit.clause(&clause);
        }
    }

    /// Whether rows that are there keep a row from being deleted.
    pub fn kept(&mut self, row: RowId) -> Lit {
        let mut by = Vec::new();
        for id in self.model.entity(self.rows[row].entity).incoming.clone() {
            let relation = self.model.relation(id);
            let keeps = relation
                .options
                .on_delete
                .as_ref()
                .is_none_or(|action| matches!(action.kind, RefActionKind::NoAction | RefActionKind::Restrict));
            let Some(rows) = self.tables.get(&relation.from).filter(|_| keeps).cloned() else { continue };
            for other in rows.into_iter().filter(|other| *other != row) {
                // A reference that nobody reads may be null, and is.
                if !relation.fields.iter().all(|field| self.rows[other].cells.contains_key(field)) {
                    continue;
                }
                let mut linked = self.rows[other].exists;
                for (from, to) in relation.fields.iter().zip(&relation.to_fields) {
                    let (a, b) = (self.value(other, *from), self.value(row, *to));
                    let equal = self.equal(&a, &b).yes;
                    linked = self.circuit.and(linked, equal);
                }
                by.push(linked);
            }
        }
        self.circuit.any(by)
    }

    /// Whether the workflows of a table take a row as it is written.
    pub fn in_step(&mut self, command: RuleAction, old: Option<RowId>, new: RowId) -> Lit {
        let entity = self.model.entity(self.rows[new].entity);
        let mut all = Lit::TRUE;
        for workflow in &entity.workflows {
            // What nobody says is the default, or what it was.
            if !self.rows[new].cells.contains_key(&workflow.field) {
                continue;
            }
            let labels = |world: &mut Self, row: RowId| match world.cell(row, workflow.field) {
                Cell::Value(sym) => sym,
                Cell::Condition(_) | Cell::Set(_) => crate::world::Sym::null(),
            };
            let is = |sym: &crate::world::Sym, label: &str| {
                let found = sym.cases.iter().find(|(_, value)| *value == crate::sorts::Val::of_text(label));
                found.map_or(Lit::FALSE, |(lit, _)| *lit)
            };
            let fine = match (command, old) {
                (RuleAction::Insert, _) if workflow.initial.is_empty() => Lit::TRUE,
                (RuleAction::Insert, _) => {
                    let state = labels(self, new);
                    let lits: Vec<Lit> = workflow.initial.iter().map(|label| is(&state, label)).collect();
                    let initial = self.circuit.any(lits);
                    // A label that no rule names may stand for it.
                    if initial == Lit::FALSE { Lit::TRUE } else { initial }
                }
                (_, Some(old)) => {
                    let changed = self.differs(old, new, workflow.field);
                    let (before, after) = (labels(self, old), labels(self, new));
                    let mut ways = vec![!changed];
                    for step in workflow.steps.iter().filter(|step| step.when.is_none()) {
                        ways.push(self.circuit.and(is(&before, &step.from), is(&after, &step.to)));
                    }
                    self.circuit.any(ways)
                }
                _ => Lit::TRUE,
            };
            all = self.circuit.and(all, fine);
        }
        all
    }
}
