//! Databases at random, with what the model says of a statement in each: to be tried on a real one.

use crate::access::{Right, Role};
use crate::case::Case;
use crate::circuit::{Budget, Lit};
use crate::fill::Fill;
use crate::matrix::Way;
use crate::properties::{Act, Context, Shared};
use crate::sorts::Sorts;
use crate::verdict::Question;
use crate::world::RowId;
use specc_model::{Model, RuleAction};
use std::sync::Arc;

/// So many wires of a database are chosen by the dice, the others by the solver.
const MOST_CHOICES: usize = 6;

/// Numbers that look random, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// A database, a statement, and what should come of it.
pub struct Tried {
    /// The database.
    pub case: Case,
    /// How the statement is written.
    pub way: Way,
    /// It locks what it reads: `for update`.
    pub locks: bool,
    /// Whether it touches its row.
    pub allowed: bool,
}

impl Tried {
    /// The statement.
    ///
    /// # Errors
    /// The column whose value cannot be given, with the reason.
    pub fn statement(&self, fill: &Fill<'_>) -> Result<String, String> {
        let step = self.case.steps.first().ok_or("it does nothing")?;
        let text = self.case.statement(fill, step, self.way, step.old.or(step.new))?;
        Ok(if self.locks { text + " for update" } else { text })
    }
}

/// For every entity, role, command and way of writing it as many databases as `count`, each with a statement.
pub fn sample(model: &Model, seed: u64, count: usize, mut each: impl FnMut(Tried)) {
    let sorts = Sorts::of(model);
    let shared = Arc::new(Shared::new(model, &sorts, false, 0));
    let mut dice = Dice(seed | 1);
    let guarded = model.entities.iter().filter(|entity| crate::is_guarded(entity) && !entity.external);
    for entity in guarded.filter(|entity| entity.key.is_some()) {
        for role in &shared.roles {
            for command in [RuleAction::Select, RuleAction::Insert, RuleAction::Update, RuleAction::Delete] {
                let Some(right) = Right::of(model, entity.id, role, command) else { continue };
                for (way, locks) in ways(command) {
                    let context = Context::new(&shared, Budget::default());
                    of_way(&context, &right, role, (*way, *locks), &mut dice, count, &mut each);
                }
            }
        }
    }
}

/// How a command is written, and whether it locks what it reads.
fn ways(command: RuleAction) -> &'static [(Way, bool)] {
    match command {
        RuleAction::Select => &[(Way::Keyed, false), (Way::Keyed, true)],
        RuleAction::Insert => &[(Way::Values, false), (Way::Returning, false), (Way::Conflict, false)],
        RuleAction::Update | RuleAction::Delete => &[(Way::Keyed, false), (Way::All, false)],
    }
}

fn of_way<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    role: &Role,
    (way, locks): (Way, bool),
    dice: &mut Dice,
    count: usize,
    each: &mut impl FnMut(Tried),
) {
    let Some(entity_key) = &right.entity.key else { return };
    let key: Vec<_> = entity_key.fields.iter().map(|field| (right.entity.id, *field)).collect();
    let of = |command| Right::of(context.model, right.entity.id, role, command);
    let reads = way != Way::Values && way != Way::All && right.command != RuleAction::Select;
    let select = reads.then(|| of(RuleAction::Select)).flatten();
    let update = locks.then(|| of(RuleAction::Update)).flatten();
    let beside = [&select, &update].into_iter().flatten().flat_map(|other| other.conditions());
    let asked: Vec<_> = beside.map(|(formula, holds)| (right.entity.id, formula, holds)).collect();
    let mut act = Act::new(context, right, role, &key, asked);
    let mut allowed = act.allowed();
    let row = act.row();
    for (_, field) in &key {
        act.world().cell(row, *field);
    }
    let (old, new) = act.rows();
    // A statement that names a column reads: the rules for reading hold before and after.
    if reads {
        let named = select.as_ref().filter(|select| key.iter().all(|(_, field)| select.names(*field)));
        for row in [old, new].into_iter().flatten() {
            let seen = named.map_or(Lit::FALSE, |select| select.reaches(act.world(), row).0);
            allowed = act.world().circuit.and(allowed, seen);
        }
    } else if right.command == RuleAction::Select && !key.iter().all(|(_, field)| right.names(*field)) {
        allowed = Lit::FALSE;
    }
    if locks {
        let may = update.as_ref().map_or(Lit::FALSE, |update| update.reaches(act.world(), row).0);
        allowed = act.world().circuit.and(allowed, may);
    }
    let alone = if way == Way::All { alone(&mut act, right, row) } else { Lit::TRUE };
    let (mut world, demand, done) = act.into_parts();
    if !world.unknowns.is_empty() {
        return;
    }
    world.close();
    let there = old.map_or(Lit::TRUE, |old| world.rows[old].exists);
    let choices = world.choices();
    let mut question = Question { world, violation: allowed, demand: &demand, done, role: &role.name };
    for _ in 0..count {
        let mut wanted = vec![there, alone];
        let mut want = |lit: Lit, question: &mut Question<'_, '_>| {
            wanted.push(lit);
            if !question.world.circuit.solve(&wanted) {
                wanted.pop();
            }
        };
        // As often allowed as not, where both can be.
        want(if dice.roll().is_multiple_of(2) { allowed } else { !allowed }, &mut question);
        for _ in 0..choices.len().min(MOST_CHOICES) {
            let choice = choices[dice.roll() as usize % choices.len()];
            want(if dice.roll().is_multiple_of(3) { choice } else { !choice }, &mut question);
        }
        if !question.world.circuit.solve(&wanted) {
            return;
        }
        let is_allowed = question.world.circuit.value(allowed);
        each(Tried { case: question.shown(), way, locks, allowed: is_allowed });
    }
}

/// That a statement without a condition reaches no other row of the table.
fn alone<'m>(act: &mut Act<'m>, right: &Right<'m>, row: RowId) -> Lit {
    let mut others = Vec::new();
    for other in act.world().table(right.entity.id).into_iter().filter(|other| *other != row) {
        let reached = right.reaches(act.world(), other).0;
        let exists = act.world().rows[other].exists;
        others.push(!act.world().circuit.and(exists, reached));
    }
    act.world().circuit.all(others)
}
