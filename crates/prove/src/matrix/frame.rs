//! A database of a right that is not decided yet, with all that is wanted of it.

use super::maker::Maker;
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::demand::Demand;
use crate::encode::Env;
use crate::whole::room;
use crate::world::{RowId, World};
use rustc_hash::FxHashMap;
use specc_diag::Span;
use specc_model::{Entity, EntityId, Model, RuleAction};
use std::collections::BTreeSet;

/// What a statement does to one row: it reaches it, and then it passes or is refused.
#[derive(Clone, Copy)]
pub(super) struct Outcome {
    pub(super) reached: Lit,
    pub(super) passes: Lit,
}

impl Outcome {
    pub(super) const DENIED: Self = Self { reached: Lit::TRUE, passes: Lit::FALSE };
}

/// The rights of a role on an entity.
pub(super) struct Side<'m> {
    pub(super) right: Option<Right<'m>>,
    pub(super) select: Option<Right<'m>>,
}

impl<'m> Side<'m> {
    pub(super) fn of(model: &'m Model, entity: &'m Entity, role: &Role, command: RuleAction) -> Self {
        Self {
            right: Right::of_rules(model, entity, role, command),
            select: Right::of_rules(model, entity, role, RuleAction::Select),
        }
    }

    /// Whether a statement can name a row by its key.
    pub(super) fn names_key(&self, entity: &Entity) -> bool {
        let key = entity.key.as_ref().map(|key| key.fields.as_slice()).unwrap_or_default();
        !key.is_empty() && self.select.as_ref().is_some_and(|select| key.iter().all(|field| select.names(*field)))
    }
}

/// Something that a database is to show.
pub(super) struct Goal {
    pub(super) words: String,
    pub(super) span: Option<Span>,
    pub(super) lit: Lit,
    /// The variant that it is about, and that statements that read nothing, and those that do, come out otherwise.
    pub(super) variant: Option<(usize, [Lit; 2])>,
    pub(super) done: bool,
}

/// The database.
pub(super) struct Frame<'m> {
    pub(super) world: World<'m>,
    pub(super) sizes: FxHashMap<EntityId, usize>,
    /// The row as it is, and as it will be.
    pub(super) rows: (Option<RowId>, Option<RowId>),
    /// What has to be there.
    pub(super) base: Vec<Lit>,
    /// What a statement that reads nothing does, and one that reads.
    pub(super) plain: Outcome,
    pub(super) reading: Outcome,
    /// Each row of the table, whether it is reached, and whether it is by a statement that reads.
    pub(super) reached: Vec<(RowId, Lit, Lit)>,
    pub(super) goals: Vec<Goal>,
    /// What its outcome depends on that is not modelled.
    pub(super) unknown: Vec<Span>,
}

impl<'m> Frame<'m> {
    /// At most `most` rows of a table, of which `needs` decide. Of `others` those of these places are asked.
    pub(super) fn new(
        maker: &Maker<'m>,
        right: &Right<'m>,
        (own, others): (&Side<'m>, &[Side<'m>]),
        needs: &Demand,
        most: usize,
        asked: &BTreeSet<usize>,
    ) -> Self {
        let id = maker.entity.id;
        let key = maker.key();
        let mut sizes = needs.sizes.clone();
        sizes.values_mut().for_each(|rows| *rows = (*rows).min(most));
        room(maker.model, &mut sizes);
        let mut world = World::new(maker.model, maker.sorts, sizes.clone(), maker.role.clone());
        // A key stays: others refer to it.
        let stays = |field| maker.command == RuleAction::Update && key.contains(&(id, field));
        let (old, new) = world.touched(id, maker.command, |field| right.writes(field) && !stays(field));
        for row in world.table(id).into_iter().chain(new.filter(|_| old.is_none())) {
            for (_, field) in &key {
                if !world.rows[row].left.contains(field) {
                    world.cell(row, *field);
                }
            }
        }
        // What the rules say, with each condition that they ask.
        world.atoms = Some(Vec::new());
        let plain = maker.outcome(&mut world, own, (old, new), false);
        let reading = maker.outcome(&mut world, own, (old, new), true);
        let atoms = world.atoms.take().unwrap_or_default();
        let base: Vec<Lit> = old.iter().map(|row| world.rows[*row].exists).collect();
        let mut goals = goals(&mut world, right, (old, new), plain, reading);
        for (atom, held) in atoms {
            let null = world.circuit.and(!held.yes, !held.no);
            for (lit, words) in [(held.yes, "true"), (held.no, "false"), (null, "null")] {
                let (words, span) = (words.to_owned(), Some(atom.span));
                goals.push(Goal { words, span, lit, variant: None, done: false });
            }
        }
        for (at, other) in others.iter().enumerate().filter(|(at, _)| asked.contains(at)) {
            let differs = [(false, plain), (true, reading)].map(|(reads, mine)| {
                let theirs = maker.outcome(&mut world, other, (old, new), reads);
                unlike(&mut world, mine, theirs)
            });
            let lit = world.circuit.or(differs[0], differs[1]);
            goals.push(Goal { words: String::new(), span: None, lit, variant: Some((at, differs)), done: false });
        }
        // Something is changed, even if no rule looks at it.
        if let Some((old, new)) = old.zip(new).filter(|(_, new)| world.rows[*new].cells.is_empty()) {
            let unlike = crate::whole::unique_columns(maker.entity);
            let mut fields = world.rows[new].was.iter().flat_map(|(_, fields)| fields.iter().copied());
            if let Some(field) = fields.find(|field| !unlike.contains(field)) {
                let (words, lit) = ("nothing changes".to_owned(), !world.differs(old, new, field));
                goals.push(Goal { words, span: None, lit, variant: None, done: false });
            }
        }
        let mut reached = Vec::new();
        for row in world.table(id).into_iter().filter(|_| old.is_some()) {
            let (reach, _) = right.reaches(&mut world, row);
            let seen = own.select.as_ref().map_or(Lit::FALSE, |select| select.reaches(&mut world, row).0);
            let there = world.rows[row].exists;
            reached.push((row, world.circuit.and(there, reach), world.circuit.all([there, reach, seen])));
        }
        let unknown = world.unknowns.iter().map(|unknown| unknown.span).collect();
        Self { world, sizes, rows: (old, new), base, plain, reading, reached, goals, unknown }
    }

    /// Whether all of what has to be there can be together with this.
    pub(super) fn solves(&mut self, lit: Lit) -> bool {
        let wanted: Vec<Lit> = self.base.iter().copied().chain([lit]).collect();
        self.world.circuit.solve(&wanted)
    }

    /// Whether the solution that was found last says the same of these, whatever is not modelled is; it stays.
    pub(super) fn is_sure(&mut self, lits: &[Lit]) -> bool {
        self.unknown.is_empty() || self.world.is_sure(lits)
    }

    /// Every outcome of the own rules.
    pub(super) fn outcomes(&self) -> Vec<Lit> {
        let own = [self.plain, self.reading].into_iter().flat_map(|outcome| [outcome.reached, outcome.passes]);
        own.chain(self.reached.iter().flat_map(|(_, reach, seen)| [*reach, *seen])).collect()
    }
}

/// What a right is to show apart from its conditions.
fn goals<'m>(
    world: &mut World<'m>,
    right: &Right<'m>,
    (old, new): (Option<RowId>, Option<RowId>),
    plain: Outcome,
    reading: Outcome,
) -> Vec<Goal> {
    let mut goals = Vec::new();
    let mut goal = |words: String, lit: Lit| goals.push(Goal { words, span: None, lit, variant: None, done: false });
    let whole = |world: &mut World<'m>, outcome: Outcome| world.circuit.and(outcome.reached, outcome.passes);
    let (may, reads) = (whole(world, plain), whole(world, reading));
    goal("allowed".to_owned(), reads);
    goal("allowed where nothing is read".to_owned(), world.circuit.and(may, !reads));
    goal("not allowed".to_owned(), !may);
    let refused = world.circuit.and(plain.reached, !plain.passes);
    goal("reached and refused".to_owned(), refused);
    // Each rule alone.
    if let Some(row) = old.or(new) {
        let opened: Vec<Lit> = right
            .openings()
            .iter()
            .map(|opening| {
                let condition = match old {
                    Some(_) => opening.rule.when.as_ref(),
                    None => opening.rule.check.as_ref().or(opening.rule.when.as_ref()),
                };
                condition.map_or(Lit::TRUE, |expr| world.condition(&expr.formula, &Env::row(row)).yes)
            })
            .collect();
        for (at, opening) in right.openings().iter().enumerate() {
            let others: Vec<Lit> = opened.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, lit)| !*lit).collect();
            let alone = world.circuit.all(others.into_iter().chain([opened[at], may]));
            goal(format!("`{}` alone lets it", opening.rule.name), alone);
        }
    }
    goals
}

/// That two outcomes are not the same.
fn unlike(world: &mut World<'_>, a: Outcome, b: Outcome) -> Lit {
    let circuit = &mut world.circuit;
    let mut xor = |a: Lit, b: Lit| {
        let (left, right) = (circuit.and(a, !b), circuit.and(!a, b));
        circuit.or(left, right)
    };
    let (reach, pass) = (xor(a.reached, b.reached), xor(a.passes, b.passes));
    let passes = world.circuit.all([a.reached, b.reached, pass]);
    world.circuit.or(reach, passes)
}
