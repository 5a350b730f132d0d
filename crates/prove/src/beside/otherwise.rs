//! What changed between two specs beside the rules, and bears on what they let through: said, and not compared.

use super::{is_alike, same_but_parameters};
use crate::aside::fired;
use crate::demand::reads;
use crate::verdict::name;
use specc_model::{EntityId, Field, FieldIx, Function, Model};
use std::collections::BTreeSet;

/// Columns that rules ask for and that are computed otherwise than before.
pub(super) fn computed(before: &Model, after: &Model, added: &BTreeSet<EntityId>) -> Vec<String> {
    let mut asked: BTreeSet<(EntityId, FieldIx)> = BTreeSet::new();
    for entity in &after.entities {
        for expr in entity.rules.iter().flat_map(|rule| [&rule.when, &rule.check]).flatten() {
            asked.extend(reads(after, entity.id, &expr.formula));
        }
    }
    let differs = |(id, field): &(EntityId, FieldIx)| {
        let columns = (before.entity(*id).fields.get(*field), after.entity(*id).fields.get(*field));
        let (Some(was), Some(is)) = columns else { return false };
        !added.contains(id) && value(was) != value(is)
    };
    let words = |(id, field): (EntityId, FieldIx)| {
        let (column, table) = (&after.entity(id).fields[field].name, name(after, id));
        format!(
            "`{column}` of `{table}`, which rules ask for, is computed otherwise now: what that opens or closes is not compared"
        )
    };
    asked.into_iter().filter(differs).map(words).collect()
}

/// What a column is computed from.
fn value(column: &Field) -> String {
    let generated = column.generated.as_ref().map(|expr| expr.formula.unplaced());
    let kept = column.maintained.as_deref().map(|kept| {
        let filter = kept.filter.as_ref().map(|filter| filter.formula.unplaced());
        (kept.function, kept.relation, kept.field, filter, kept.including_deleted)
    });
    format!("{generated:?} {kept:?}")
}

/// Functions with their owner's rights that call or are what is another one now.
pub(super) fn past_the_rules(old: &Model, new: &Model) -> Vec<String> {
    let was = |function: &Function| old.functions.iter().find(|f| f.name == function.name);
    let alike = |function: &Function| was(function).is_some_and(|was| is_alike(old, was, new, function));
    // Of what another one calls nothing is compared with its meaning.
    let same = |function: &Function| {
        was(function).is_some_and(|was| {
            is_alike(old, was, new, function)
                && (was.body == function.body || same_but_parameters(old, was, new, function))
        })
    };
    let mut lines = Vec::new();
    for function in new.functions.iter().filter(|f| f.security_definer && !f.roles.is_empty() && alike(f)) {
        if let Some(called) = called(new, function).into_iter().find(|called| !same(called)) {
            lines.push(format!(
                "function `{}` runs with its owner's rights and calls `{}`, which is another one now: what it shows is not compared",
                function.name.name, called.name.name
            ));
        }
    }
    for now in fired(new) {
        let before = fired(old).any(|before| before.function.name == now.function.name);
        let changed = !same(now.function) || called(new, now.function).into_iter().any(|called| !same(called));
        if !before || changed {
            lines.push(format!(
                "function `{}` runs with its owner's rights for trigger `{}` of `{}`, and is another one now: what it does is not compared",
                now.function.name.name,
                now.trigger.name,
                name(new, now.entity.id)
            ));
        }
    }
    lines
}

/// The functions that a function calls, and those that they call.
fn called<'m>(model: &'m Model, function: &'m Function) -> Vec<&'m Function> {
    let (mut found, mut open, mut known) = (Vec::new(), vec![function], BTreeSet::new());
    while let Some(next) = open.pop() {
        for at in next.calls.iter().filter(|at| known.insert(**at)) {
            if let Some(called) = model.functions.get(*at) {
                found.push(called);
                open.push(called);
            }
        }
    }
    found
}
