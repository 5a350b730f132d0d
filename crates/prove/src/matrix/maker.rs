//! The databases of one right.

use super::frame::{Frame, Goal, Outcome, Side};
use super::statements::Values;
use super::{Aim, Expected, Matrix, Standing, Statement, Stuck, Subject, Trial, Variant, Way};
use crate::access::{Granted, Role};
use crate::case::{Case, Step};
use crate::circuit::Lit;
use crate::demand::demand;
use crate::sorts::Sorts;
use crate::verdict::{Done, shown};
use crate::world::{RowId, World};
use specc_diag::Span;
use specc_model::formula::Formula;
use specc_model::{Entity, EntityId, FieldIx, Model, RuleAction};
use std::collections::BTreeSet;

/// Rows of a table at most, tried one after the other: most of what is wanted shows in a few.
const MOST: [usize; 3] = [2, 4, usize::MAX];

/// The right of a role to a command on an entity.
pub(super) struct Maker<'m> {
    pub(super) model: &'m Model,
    pub(super) sorts: &'m Sorts,
    pub(super) entity: &'m Entity,
    pub(super) role: &'m Role,
    pub(super) command: RuleAction,
}

impl<'m> Maker<'m> {
    /// The columns of the key.
    pub(super) fn key(&self) -> Vec<(EntityId, FieldIx)> {
        let fields = self.entity.key.iter().flat_map(|key| key.fields.iter());
        fields.map(|field| (self.entity.id, *field)).collect()
    }

    pub(super) fn make(&self, variants: &[(usize, &'m Variant)]) -> Matrix {
        let mut made = Matrix { standings: vec![Standing::Same(true); variants.len()], ..Matrix::default() };
        let own = Side::of(self.model, self.entity, self.role, self.command);
        let others: Vec<Side<'m>> = variants
            .iter()
            .map(|(_, variant)| Side::of(self.model, &variant.entity, self.role, self.command))
            .collect();
        // What may not be done at all is refused whatever rows there are.
        let Some(right) = &own.right else {
            made.trials.extend(self.refused());
            return made;
        };
        let id = self.entity.id;
        let conditions = |side: &Side<'m>| {
            let rights = side.right.iter().chain(&side.select);
            let all: Vec<_> = rights.flat_map(|right| right.conditions()).map(|(formula, _)| formula).collect();
            all
        };
        let mut asked: Vec<(EntityId, &'m Formula, bool)> = Vec::new();
        for formula in conditions(&own).into_iter().chain(others.iter().flat_map(&conditions)) {
            if !asked.iter().any(|(_, known, _)| *known == formula) {
                // It may have to fail as well as to hold.
                asked.extend([(id, formula, true), (id, formula, false)]);
            }
        }
        let two = matches!(self.command, RuleAction::Insert | RuleAction::Update);
        let rows = if two { vec![id, id] } else { vec![id] };
        let needs = demand(self.model, &rows, &self.key(), asked);
        let largest = needs.sizes.values().copied().max().unwrap_or(1);
        let mut left: BTreeSet<usize> = (0..variants.len()).collect();
        let mut unknown = Vec::new();
        for (nth, most) in MOST.into_iter().enumerate() {
            if nth == 1 {
                // What is the same rule in all that decide needs no larger database.
                let mut frame = Frame::new(self, right, (&own, &others), &needs, usize::MAX, &left);
                frame.world.close();
                for goal in std::mem::take(&mut frame.goals) {
                    let Some((at, _)) = goal.variant else { continue };
                    let differs = frame.solves(goal.lit);
                    if frame.world.circuit.gave_up() {
                        made.standings[at] = Standing::Open;
                    } else if !differs {
                        left.remove(&at);
                        made.standings[at] = Standing::Same(needs.complete);
                    } else if made.standings[at] != Standing::Open {
                        made.standings[at] = Standing::Beyond;
                    }
                }
            }
            if nth > 0 && left.is_empty() {
                break;
            }
            let mut frame = Frame::new(self, right, (&own, &others), &needs, most, &left);
            if nth > 0 {
                frame.goals.retain(|goal| goal.variant.is_some());
            }
            unknown.extend(frame.unknown.first().copied());
            self.solve(frame, &own, variants, &mut left, &mut made);
            if most >= largest && nth > 0 {
                break;
            }
        }
        if made.trials.is_empty() {
            let (why, span) = match unknown.first() {
                Some(span) => ("what comes of it depends on an expression that is not modelled".to_owned(), *span),
                None => ("no rows that its table takes can be made for it".to_owned(), self.entity.meta.span),
            };
            made.stuck.push(self.stuck(why, span));
        }
        made
    }

    /// A database for each goal that none of those before shows.
    fn solve(
        &self,
        mut frame: Frame<'m>,
        own: &Side<'m>,
        variants: &[(usize, &'m Variant)],
        left: &mut BTreeSet<usize>,
        made: &mut Matrix,
    ) {
        frame.world.complete();
        let (old, new) = frame.rows;
        let kept = match old.filter(|_| self.command == RuleAction::Delete) {
            Some(old) => frame.world.kept(old),
            None => Lit::FALSE,
        };
        let in_step = new.map_or(Lit::TRUE, |new| frame.world.in_step(self.command, old, new));
        let others: Vec<Lit> = frame.reached.iter().skip(1).map(|(_, reach, _)| *reach).collect();
        let alone = !frame.world.circuit.any(others);
        let wishes = match self.command {
            RuleAction::Update => vec![in_step, alone],
            RuleAction::Insert => vec![in_step],
            RuleAction::Delete => vec![!kept],
            RuleAction::Select => Vec::new(),
        };
        let mut goals = std::mem::take(&mut frame.goals);
        for at in 0..goals.len() {
            if goals[at].done {
                continue;
            }
            if !frame.solves(goals[at].lit) {
                if frame.world.circuit.gave_up() {
                    self.too_large(&goals[at], made);
                }
                continue;
            }
            let mut wanted: Vec<Lit> = frame.base.iter().copied().chain([goals[at].lit]).collect();
            for wish in &wishes {
                wanted.push(*wish);
                if !frame.world.circuit.solve(&wanted) {
                    wanted.pop();
                }
            }
            if !smallest(&mut frame.world, &mut wanted) {
                self.too_large(&goals[at], made);
                continue;
            }
            if !frame.world.circuit.value(in_step) {
                let words = match goals[at].variant {
                    Some((variant, _)) => &variants[variant].1.words,
                    None => &goals[at].words,
                };
                made.stuck
                    .push(self.stuck(format!("its workflow refuses what `{words}` needs"), self.entity.meta.span));
                continue;
            }
            let case = shown(&frame.world, &self.role.name, &[Done { command: self.command, old, new }], &frame.sizes);
            let statements = Values { frame: &frame, kept, alone }.statements(self, own, &case);
            let outcomes = frame.outcomes();
            if statements.is_empty() || !frame.is_sure(&outcomes) {
                if let Some((at, _)) = goals[at].variant {
                    made.standings[at] = Standing::Open;
                }
                continue;
            }
            let (mut words, mut kills) = (Vec::new(), Vec::new());
            for goal in &mut goals {
                if !frame.world.circuit.value(goal.lit) {
                    continue;
                }
                let Some((variant, differs)) = goal.variant else {
                    if !goal.done {
                        goal.done = true;
                        words.push(Aim { span: goal.span, words: goal.words.clone() });
                    }
                    continue;
                };
                let asked = |reads: bool| statements.iter().any(|one| one.way.reads(self.command) == reads);
                let shows = [(false, differs[0]), (true, differs[1])].into_iter().filter(|(reads, _)| asked(*reads));
                let shows = shows.map(|(_, lit)| lit).find(|lit| frame.world.circuit.value(*lit));
                let Some(lit) = shows else { continue };
                if frame.is_sure(&[lit]) {
                    goal.done = true;
                    left.remove(&variant);
                    made.standings[variant] = Standing::Shown;
                    kills.push(variants[variant].0);
                } else if made.standings[variant] != Standing::Shown {
                    made.standings[variant] = Standing::Open;
                }
            }
            let rules = own.right.iter().flat_map(|right| right.openings()).map(|o| o.rule.span).collect();
            made.trials.push(Trial {
                of: Subject::Entity(self.entity.id),
                case,
                statements,
                goals: words,
                rules,
                kills,
            });
        }
    }

    /// What shows a goal is not found in the steps that are taken.
    fn too_large(&self, goal: &Goal, made: &mut Matrix) {
        match goal.variant {
            Some((at, _)) => made.standings[at] = Standing::Open,
            None => {
                let stuck = self.stuck(crate::TOO_LARGE.to_owned(), self.entity.meta.span);
                let known = |other: &Stuck| other.why == stuck.why && other.role == stuck.role;
                if !made.stuck.iter().any(known) {
                    made.stuck.push(stuck);
                }
            }
        }
    }

    fn stuck(&self, why: String, span: Span) -> Stuck {
        let of = Subject::Entity(self.entity.id);
        Stuck { of, role: self.role.name.to_string(), command: self.command, why, span }
    }

    /// A statement without rows, for what is not granted.
    fn refused(&self) -> Option<Trial> {
        let granted = Granted::of(self.model, self.entity.id, self.role, self.command);
        // A right without a rule reaches no row, and writes none.
        let expected = match self.command {
            _ if granted.revoked => return None,
            _ if granted.columns.is_empty() => Expected::Denied,
            RuleAction::Insert => Expected::Denied,
            RuleAction::Update if !granted.covers(None) => return None,
            _ => Expected::Rows(0),
        };
        let case = Case {
            role: self.role.name.clone(),
            steps: vec![Step { command: self.command, through: None, old: None, new: None, open: Default::default() }],
            session: Vec::new(),
            kinds: Vec::new(),
            rows: Vec::new(),
            by: None,
            sizes: Default::default(),
        };
        let way = if self.command == RuleAction::Insert { Way::Values } else { Way::All };
        Some(Trial {
            of: Subject::Entity(self.entity.id),
            case,
            statements: vec![Statement { way, row: None, expected }],
            goals: vec![Aim { span: None, words: "no rule lets it".to_owned() }],
            rules: vec![self.entity.meta.span],
            kills: Vec::new(),
        })
    }

    /// What a statement does to a row, by these rights.
    pub(super) fn outcome(
        &self,
        world: &mut World<'m>,
        side: &Side<'m>,
        rows: (Option<RowId>, Option<RowId>),
        reads: bool,
    ) -> Outcome {
        let Some(right) = &side.right else { return Outcome::DENIED };
        if reads && !side.names_key(self.entity) {
            return Outcome::DENIED;
        }
        let select = side.select.as_ref().filter(|_| reads && self.command != RuleAction::Select);
        let mut outcome = Outcome { reached: Lit::TRUE, passes: Lit::TRUE };
        if let Some(old) = rows.0 {
            outcome.reached = right.reaches(world, old).0;
            if let Some(select) = select {
                let seen = select.reaches(world, old).0;
                outcome.reached = world.circuit.and(outcome.reached, seen);
            }
        }
        if let Some(new) = rows.1 {
            let accepted = right.accepts(world, new).0;
            let columns = right.writes_columns(world, rows.0, new);
            outcome.passes = world.circuit.and(accepted, columns);
            if let Some(select) = select {
                let seen = select.reaches(world, new).0;
                outcome.passes = world.circuit.and(outcome.passes, seen);
            }
        }
        outcome
    }
}

/// Takes away the rows that need not be there; false where no solution is found.
pub(crate) fn smallest(world: &mut World<'_>, wanted: &mut Vec<Lit>) -> bool {
    if !world.circuit.solve(wanted) {
        return false;
    }
    let optional: Vec<Lit> = world.rows.iter().filter(|row| row.number.is_some()).map(|row| row.exists).collect();
    // What the solver leaves out by itself is left out at once.
    let (there, gone): (Vec<Lit>, Vec<Lit>) = optional.into_iter().partition(|lit| world.circuit.value(*lit));
    wanted.extend(gone.into_iter().map(|lit| !lit));
    for lit in there {
        wanted.push(!lit);
        if !world.circuit.solve(wanted) {
            wanted.pop();
        }
    }
    world.circuit.solve(wanted)
}
