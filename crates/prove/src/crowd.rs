//! Rows that a real table takes, as many as somebody asks for: to try what a table promises of its rows.

use crate::access::Role;
use crate::case::Case;
use crate::circuit::Lit;
use crate::encode::Env;
use crate::matrix::smallest;
use crate::sorts::{Sorts, Val};
use crate::unknown::is_plain;
use crate::verdict::{Done, shown};
use crate::whole::{room, unique_columns};
use crate::world::{Cell, World};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_model::effective::PUBLIC;
use specc_model::formula::Formula;
use specc_model::{EntityId, FieldIx, Model, RuleAction};

/// Makes rows for the tables of a model.
pub struct Crowds<'m> {
    model: &'m Model,
    sorts: Sorts,
}

/// What is wanted of the rows of a table.
#[derive(Clone, Debug, Default)]
pub struct Crowd<'m> {
    /// How many there are.
    pub rows: usize,
    /// They are alike in these columns, which are not null.
    pub same: Vec<FieldIx>,
    /// This holds for each of them.
    pub holds: Vec<&'m Formula>,
    /// They break this check, by its place, and no other.
    pub breaks: Option<usize>,
    /// They have these labels; one that no rule names is any that none names.
    pub is: Vec<(FieldIx, SmolStr)>,
}

impl<'m> Crowds<'m> {
    /// For this model.
    pub fn new(model: &'m Model) -> Self {
        Self { model, sorts: Sorts::of(model) }
    }

    /// Rows of a table with what they need besides. A reference that may be null leads to a row where one can be there,
    /// unless to the table itself. The rows of the table come in the order of their numbers.
    ///
    /// # Errors
    /// Why there are none, in words.
    pub fn make<'s>(&'s self, entity: EntityId, wanted: &Crowd<'s>) -> Result<Case, String> {
        let mut sizes = FxHashMap::default();
        sizes.insert(entity, wanted.rows);
        // Two rows have parents of their own.
        let of = self.model.entity(entity);
        for relation in of.outgoing.iter().map(|id| self.model.relation(*id)).filter(|r| r.to != entity) {
            let there = sizes.entry(relation.to).or_insert(1);
            *there = wanted.rows.min(2).max(*there);
        }
        room(self.model, &mut sizes);
        let role = Role::new(self.model, PUBLIC);
        let mut world = World::new(self.model, &self.sorts, sizes.clone(), role);
        if let Some(at) = wanted.breaks {
            if !is_plain(&of.checks[at].expr.formula) {
                return Err("its condition is not modelled".to_owned());
            }
            world.broken = Some((entity, at));
        }
        let rows: Vec<_> = world.table(entity).into_iter().take(wanted.rows).collect();
        let mut base: Vec<Lit> = rows.iter().map(|row| world.rows[*row].exists).collect();
        let mut wishes = Vec::new();
        for row in &rows {
            let first = (0..of.fields.len()).find(|field| of.fields[*field].generated.is_none());
            if let Some(first) = first.filter(|_| of.key.is_none()) {
                world.cell(*row, first);
            }
            for formula in &wanted.holds {
                base.push(world.condition(formula, &Env::row(*row)).yes);
            }
            for field in &wanted.same {
                match world.cell(*row, *field) {
                    Cell::Value(sym) => base.push(world.present(&sym)),
                    Cell::Condition(tri) => base.push(world.circuit.or(tri.yes, tri.no)),
                    Cell::Set(set) => base.push(set.present),
                }
                base.push(!world.differs(rows[0], *row, *field));
            }
            for (field, label) in &wanted.is {
                let Cell::Value(sym) = world.cell(*row, *field) else { continue };
                let named = sym.cases.iter().find(|(_, value)| *value == Val::of_text(label));
                let others = sym.cases.iter().filter(|(_, value)| matches!(value, Val::Other(_)));
                let lits: Vec<Lit> = named.map_or_else(|| others.map(|(lit, _)| *lit).collect(), |(lit, _)| vec![*lit]);
                let one = world.circuit.any(lits);
                base.push(if one == Lit::FALSE { world.present(&sym) } else { one });
            }
            // What is null is like nothing, and so shows nothing of what is unique.
            let excluded = of.excludes.iter().flat_map(|exclude| &exclude.elements);
            let excluded = excluded.filter_map(|(element, _)| element.field());
            for field in unique_columns(of).into_iter().chain(excluded).filter(|field| of.fields[*field].nullable) {
                if let Cell::Value(sym) = world.cell(*row, field) {
                    wishes.push(world.present(&sym));
                }
            }
            for relation in of.outgoing.iter().map(|id| self.model.relation(*id)) {
                for field in &relation.fields {
                    if let Cell::Value(sym) = world.cell(*row, *field) {
                        let there = world.present(&sym);
                        wishes.push(if relation.to == entity { !there } else { there });
                    }
                }
            }
        }
        // What is unique together is so in each column, where it can be.
        if let [first, second, ..] = rows.as_slice() {
            for field in unique_columns(of).into_iter().filter(|field| !wanted.same.contains(field)) {
                world.cell(*first, field);
                world.cell(*second, field);
                wishes.push(world.differs(*first, *second, field));
            }
        }
        world.complete();
        if !world.circuit.solve(&base) {
            let why = if world.circuit.gave_up() {
                crate::TOO_LARGE
            } else {
                "no rows that its table takes can be made for it"
            };
            return Err(why.to_owned());
        }
        for wish in wishes {
            base.push(wish);
            if !world.circuit.solve(&base) {
                base.pop();
            }
        }
        if !smallest(&mut world, &mut base) {
            return Err(crate::TOO_LARGE.to_owned());
        }
        let done = Done { command: RuleAction::Select, old: rows.first().copied(), new: None };
        Ok(shown(&world, PUBLIC, &[done], &sizes))
    }
}
