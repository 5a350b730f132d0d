//! Whether rules let through what other rules about the same tables do not: what a change opens and what it closes.

use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::scene::{Scene, Stage};
use crate::sorts::Sorts;
use crate::verdict::Verdict;
use crate::world::State;
use specc_model::formula::Formula;
use specc_model::{Entity, EntityId, FieldIx, Model, RuleAction};

/// Two models of the same tables: their entities, columns, relations, predicates and functions have the same ids.
#[derive(Clone, Copy)]
pub struct Pair<'m> {
    /// What decided.
    pub before: &'m Model,
    /// What decides.
    pub after: &'m Model,
    /// What can be compared with what, in both.
    pub sorts: &'m Sorts,
}

/// What a role may do with rows of an entity by one model, and may not by the other.
pub struct More {
    /// That there is no such row.
    pub rows: Verdict,
    /// Columns that it reads or writes by the one only.
    pub columns: Vec<FieldIx>,
}

impl More {
    /// Whether it is decided that there is nothing.
    pub fn is_none(&self) -> bool {
        self.columns.is_empty() && matches!(self.rows, Verdict::Proven { .. } | Verdict::Checked { .. })
    }
}

impl<'m> Pair<'m> {
    /// The other way round.
    pub fn turned(self) -> Self {
        Self { before: self.after, after: self.before, sorts: self.sorts }
    }

    /// What is more afterwards; of rows only that satisfy a condition, or do not.
    pub fn more(self, role: &str, command: RuleAction, entity: EntityId, of: Option<(&'m Formula, bool)>) -> More {
        let Self { before, after, sorts } = self;
        let (old_role, new_role) = (Role::new(before, role), Role::new(after, role));
        let new = Right::of(after, entity, &new_role, command);
        let old = Right::of(before, entity, &old_role, command);
        let Some(new) = new else { return More { rows: Verdict::Proven { rows: 1 }, columns: Vec::new() } };
        let (mine, theirs) = (new.columns(), old.as_ref().map(Right::columns));
        let gained = |field: &FieldIx| theirs.as_ref().is_some_and(|theirs| !theirs.contains(field));
        let columns = mine.iter().copied().filter(gained).collect();
        // What is written by both: a column that only one of them writes is said by itself.
        let common: Vec<FieldIx> = mine.into_iter().filter(|field| !gained(field)).collect();
        let entity: &Entity = after.entity(entity);
        let opened = new.conditions().into_iter().map(|(formula, holds)| (entity.id, formula, holds));
        let closed = old.iter().flat_map(|right| right.conditions()).map(|(f, holds)| (entity.id, f, !holds));
        let asked = opened.chain(closed).chain(of.map(|(formula, holds)| (entity.id, formula, holds)));
        let stage = Stage { model: after, other: Some(before), sorts };
        let mut scene = Scene::new(stage, &new_role, command, entity, &common, asked);
        let mut more = scene.there();
        if let Some((formula, wanted)) = of {
            let holds = scene.is(formula);
            more = scene.world.circuit.and(more, if wanted { holds } else { !holds });
        }
        let allowed = scene.allowed(Some(&new));
        let state = State { model: before, role: old_role, number: 1 };
        let was = scene.before(state, old.as_ref());
        more = scene.world.circuit.all([more, allowed, !was]);
        let rows = if scene.world.circuit.is_never(more) { Verdict::Proven { rows: 1 } } else { scene.decide(more) };
        More { rows, columns }
    }
}

impl<'m> Scene<'m> {
    /// That another state's right lets it be done.
    fn before(&mut self, state: State<'m>, right: Option<&Right<'m>>) -> Lit {
        // The state is swapped in for as long as its conditions are read.
        let back = self.world.swap(state);
        let allowed = self.allowed(right);
        self.world.swap(back);
        allowed
    }
}
