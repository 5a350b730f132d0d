//! Databases at random, with what the model says of a statement in each: to be tried on a real one.

use crate::access::Right;
use crate::case::Case;
use crate::circuit::Lit;
use crate::properties::{Act, Context, Shared};
use crate::sorts::Sorts;
use crate::verdict::Question;
use specc_model::{Model, RuleAction};
use std::sync::Arc;

/// So many wires of a database are chosen by the dice, the others by the solver.
const MOST_CHOICES: usize = 12;

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

/// For every entity, role and command as many databases as `count`, each with a statement that names its row by the key,
/// and whether it is allowed.
pub fn sample(model: &Model, seed: u64, count: usize) -> Vec<(Case, bool)> {
    let sorts = Sorts::of(model);
    let shared = Arc::new(Shared::new(model, &sorts, false, 0));
    let mut dice = Dice(seed | 1);
    let mut found = Vec::new();
    let guarded = model.entities.iter().filter(|entity| crate::is_guarded(entity) && !entity.external);
    for entity in guarded {
        for role in &shared.roles {
            for command in [RuleAction::Select, RuleAction::Insert, RuleAction::Update, RuleAction::Delete] {
                let Some(right) = Right::of(model, entity.id, role, command) else { continue };
                for _ in 0..count {
                    found.extend(one(&Context::new(&shared), &right, role, &mut dice));
                }
            }
        }
    }
    found
}

fn one<'m>(context: &Context<'m>, right: &Right<'m>, role: &crate::Role, dice: &mut Dice) -> Option<(Case, bool)> {
    let key = right.entity.key.as_ref()?.fields.iter().map(|field| (right.entity.id, *field)).collect::<Vec<_>>();
    let select = Right::of(context.model, right.entity.id, role, RuleAction::Select);
    let asked: Vec<_> =
        select.iter().flat_map(|s| s.conditions()).map(|(f, holds)| (right.entity.id, f, holds)).collect();
    let mut act = Act::new(context, right, role, &key, asked);
    let mut allowed = act.allowed();
    for field in key.iter().map(|(_, field)| *field) {
        let row = act.row();
        act.world().value(row, field);
    }
    // A statement that names a column reads: the rules for reading hold before and after.
    if matches!(right.command, RuleAction::Update | RuleAction::Delete) {
        let (old, new) = act.rows();
        for row in [old, new].into_iter().flatten() {
            let seen = select.as_ref().map_or(Lit::FALSE, |select| select.reaches(act.world(), row).0);
            allowed = act.world().circuit.and(allowed, seen);
        }
    }
    let (old, _) = act.rows();
    let (mut world, demand, done) = act.into_parts();
    if !world.unknowns.is_empty() {
        return None;
    }
    world.close();
    let mut wanted = Vec::new();
    if let Some(old) = old {
        wanted.push(world.rows[old].exists);
    }
    // As often allowed as not, where both can be.
    wanted.push(if dice.roll().is_multiple_of(2) { allowed } else { !allowed });
    if !world.circuit.solve(&wanted) {
        wanted.pop();
    }
    let choices = world.choices();
    for _ in 0..choices.len().min(MOST_CHOICES) {
        let choice = choices[dice.roll() as usize % choices.len()];
        wanted.push(if dice.roll().is_multiple_of(3) { choice } else { !choice });
        if !world.circuit.solve(&wanted) {
            wanted.pop();
        }
    }
    if !world.circuit.solve(&wanted) {
        return None;
    }
    let is_allowed = world.circuit.value(allowed);
    let question = Question { world, violation: allowed, demand: &demand, done, role: &role.name };
    Some((question.shown(), is_allowed))
}
