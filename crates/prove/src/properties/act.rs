//! What somebody does: one statement, or several one after the other.

use super::Context;
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::demand::{Asked, Demand};
use crate::verdict::{Done, Question, Verdict};
use crate::world::{RowId, World};
use specc_model::{EntityId, FieldIx, RuleAction};

/// Rows that somebody reads or writes, by statements that each read nothing else.
pub(crate) struct Act<'m> {
    pub(super) world: World<'m>,
    demand: Demand,
    role: Role,
    done: Vec<Done>,
    /// That all of it may be.
    allowed: Lit,
    /// When each rule lets the last statement through, in the order of [`Right::openings`].
    pub(super) opened: Vec<Lit>,
    /// The same of the statements before it.
    pub(super) before: Vec<Vec<Lit>>,
}

impl<'m> Act<'m> {
    /// What `right` allows, in a database with rows enough for that, for `columns` to be read of it, and for `others` too.
    pub(crate) fn new(
        context: &Context<'m>,
        right: &Right<'m>,
        role: &Role,
        columns: &[(EntityId, FieldIx)],
        others: impl IntoIterator<Item = Asked<'m>>,
    ) -> Self {
        Self::after(context, &[], right, role, columns, others)
    }

    /// The same beside a row of an entity that is none of those.
    pub(super) fn beside(
        context: &Context<'m>,
        beside: EntityId,
        right: &Right<'m>,
        role: &Role,
        columns: &[(EntityId, FieldIx)],
        others: impl IntoIterator<Item = Asked<'m>>,
    ) -> Self {
        Self::made(context, (&[], Some(beside)), right, role, columns, others)
    }

    /// The same after statements that `before` allows.
    pub(super) fn after(
        context: &Context<'m>,
        before: &[&Right<'m>],
        right: &Right<'m>,
        role: &Role,
        columns: &[(EntityId, FieldIx)],
        others: impl IntoIterator<Item = Asked<'m>>,
    ) -> Self {
        Self::made(context, (before, None), right, role, columns, others)
    }

    fn made(
        context: &Context<'m>,
        (before, beside): (&[&Right<'m>], Option<EntityId>),
        right: &Right<'m>,
        role: &Role,
        columns: &[(EntityId, FieldIx)],
        others: impl IntoIterator<Item = Asked<'m>>,
    ) -> Self {
        let all = || before.iter().copied().chain([right]);
        let own = all().flat_map(|right| {
            let entity = right.entity.id;
            right.conditions().into_iter().map(move |(formula, holds)| (entity, formula, holds))
        });
        // A row that is changed refers to something before, and to something afterwards.
        let rows: Vec<EntityId> = all()
            .flat_map(|right| {
                let times = if right.command == RuleAction::Update { 2 } else { 1 };
                std::iter::repeat_n(right.entity.id, times)
            })
            .chain(beside)
            .collect();
        let demand = context.demand(&rows, columns, own.chain(others));
        let world = context.world(&demand, role).with_steps(before.len() + 1);
        let (role, done, allowed) = (role.clone(), Vec::new(), Lit::TRUE);
        let mut act = Self { world, demand, role, done, allowed, opened: Vec::new(), before: Vec::new() };
        for right in before {
            act.step(right);
            let opened = std::mem::take(&mut act.opened);
            act.before.push(opened);
            act.world.next_phase();
        }
        act.step(right);
        act
    }

    /// Does what `right` allows with a row that no statement before it was about.
    fn step(&mut self, right: &Right<'m>) {
        let (entity, world) = (right.entity.id, &mut self.world);
        let (old, new) = world.touched(entity, right.command, |field| right.writes(field));
        let exists = old.map_or(Lit::TRUE, |old| world.rows[old].exists);
        let (lets, opened) = right.lets(world, old, new);
        self.allowed = world.circuit.all([self.allowed, exists, lets]);
        self.opened = opened.into_iter().map(|(_, lit)| lit).collect();
        if right.command == RuleAction::Delete {
            old.into_iter().for_each(|row| world.deleted(row));
        }
        self.done.push(Done { command: right.command, old, new });
    }

    /// That it may be.
    pub(crate) fn allowed(&self) -> Lit {
        self.allowed
    }

    /// The database.
    pub(crate) fn world(&mut self) -> &mut World<'m> {
        &mut self.world
    }

    /// The row of the last statement as it is, and as it will be.
    pub(crate) fn rows(&self) -> (Option<RowId>, Option<RowId>) {
        self.done.last().map_or((None, None), |done| (done.old, done.new))
    }

    /// The row of the first statement as it is, and as it will be.
    pub(super) fn first(&self) -> (Option<RowId>, Option<RowId>) {
        self.done.first().map_or((None, None), |done| (done.old, done.new))
    }

    /// All of it, for a question of another kind.
    pub(crate) fn into_parts(self) -> (World<'m>, Demand, Vec<Done>) {
        (self.world, self.demand, self.done)
    }

    /// The row that is there before, or else the one that is there afterwards.
    pub(crate) fn row(&self) -> RowId {
        let (old, new) = self.rows();
        old.or(new).unwrap_or_default()
    }

    /// The row that is there afterwards.
    pub(super) fn after_row(&self) -> RowId {
        let (old, new) = self.rows();
        new.or(old).unwrap_or_default()
    }

    /// Whether it can be together with all of these.
    pub(super) fn decide(mut self, together: &[Lit]) -> Verdict {
        let violation = self.world.circuit.all(together.iter().copied().chain([self.allowed]));
        let Self { world, demand, role, done, .. } = self;
        Question { world, violation, demand: &demand, done, role: &role.name }.decide()
    }
}
