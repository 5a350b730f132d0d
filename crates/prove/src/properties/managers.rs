//! Whether somebody is left who may manage the members.

use super::{Act, Context, Finding, does};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::membership::Membership;
use crate::standing::Ask;
use crate::verdict::Verdict;
use crate::world::{RowId, World};
use specc_diag::codes;
use specc_model::formula::{Formula, Node, Row};
use specc_model::{Entity, FieldIx, Rule, RuleAction, Trigger, TriggerAction};
use specc_syntax::ast::TriggerTiming;

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    for role in context.signed_in() {
        for membership in context.memberships_in(entity.id) {
            let managers = managers(context, entity, role, membership);
            if managers.is_empty() {
                continue;
            }
            for command in [RuleAction::Update, RuleAction::Delete] {
                let Some(right) = context.right(entity.id, role, command) else { continue };
                if entity.triggers.iter().any(|trigger| refuses(context, trigger, command)) {
                    continue;
                }
                for (at, opening) in right.openings().iter().enumerate() {
                    let (table, name, rule) = (context.name(entity.id), &role.name, opening.rule);
                    let to = context.name(context.model.relation(membership.to).to);
                    let by = format!("by rule `{}` `{name}` {}", rule.name, does(command));
                    let claim = format!("{by} no row of `{table}` of the last who may manage a row of `{to}`");
                    let wrong = format!("{by} the row of `{table}` of the last who may manage a row of `{to}`");
                    let verdict = leaves(context, &right, role, at, membership, &managers);
                    let (code, span) = (codes::LAST_MANAGER, rule.span);
                    found.push(Finding { code, entity: table, claim, wrong, verdict, span });
                }
            }
        }
    }
}

/// What rules ask of whoever adds members, without who it is; nothing where some rule lets others do it too, or where every
/// member may.
fn managers<'m>(context: &Context<'m>, entity: &'m Entity, role: &Role, membership: &Membership<'m>) -> Vec<Ask<'m>> {
    let Some(right) = context.right(entity.id, role, RuleAction::Insert) else { return Vec::new() };
    let mut found = Vec::new();
    for opening in right.openings() {
        let asks: Vec<&Ask<'m>> =
            membership.asks.iter().filter(|ask| !ask.all.is_empty() && is_asked(context, opening.rule, ask)).collect();
        if asks.is_empty() {
            return Vec::new();
        }
        found.extend(asks.into_iter().cloned());
    }
    for ask in &mut found {
        let row = ask.row.clone();
        ask.all.retain(|part| !reads(part, &row, &[membership.who]));
        if !ask.all.iter().any(|part| reads(part, &row, &membership.ranks)) {
            return Vec::new();
        }
    }
    found
}

/// Whether a formula reads one of these columns of a row.
fn reads(formula: &Formula, row: &Row, fields: &[FieldIx]) -> bool {
    let mut reads = false;
    formula.visit(|part| reads |= matches!(&part.node, Node::Column(of, field) if of == row && fields.contains(field)));
    reads
}

/// Whether a rule asks this, itself or by a predicate.
fn is_asked(context: &Context<'_>, rule: &Rule, ask: &Ask<'_>) -> bool {
    let mut found = 0;
    for expr in [&rule.when, &rule.check].into_iter().flatten() {
        expr.formula.visit_all(context.model, &mut |part| {
            found += usize::from(ask.all.contains(&part));
        });
    }
    found >= ask.all.len()
}

/// Whether a trigger may refuse it: one that fires before, or raises an error.
fn refuses(context: &Context<'_>, trigger: &Trigger, command: RuleAction) -> bool {
    let fires = trigger.events.iter().any(|(event, _)| event == command.word());
    let raises = match &trigger.action {
        TriggerAction::Body(_) => trigger.raises,
        TriggerAction::Execute { function, .. } => {
            context.model.functions.iter().find(|other| other.name == *function).is_none_or(|function| function.raises)
        }
    };
    let off = trigger.enabled.as_deref() == Some("disabled");
    fires && !off && (trigger.timing == TriggerTiming::Before || trigger.constraint || raises)
}

fn leaves<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    role: &Role,
    at: usize,
    membership: &Membership<'m>,
    managers: &[Ask<'m>],
) -> Verdict {
    let mut act = Act::new(context, right, role, &membership.columns(context.model), []);
    let (old, opened) = (act.row(), act.opened[at]);
    let world = &mut act.world;
    let hers = context.is_hers(world, old, membership);
    let before = manages(world, old, managers);
    if right.command == RuleAction::Delete {
        world.keep(old, Lit::FALSE);
    }
    let relation = context.model.relation(membership.to);
    let left = world.in_phase(1, |world| {
        let mut any = Vec::new();
        for member in world.table(membership.members) {
            let mut all = vec![world.rows[member].exists, world.visible(member, membership.members)];
            for field in &relation.fields {
                let (a, b) = (world.value(member, *field), world.value(old, *field));
                all.push(world.equal(&a, &b).yes);
            }
            all.push(manages(world, member, managers));
            any.push(world.circuit.all(all));
        }
        world.circuit.any(any)
    });
    let linked = context.inside(world, old, membership.to).0;
    act.decide(&[opened, hers, linked, before, !left])
}

fn manages<'m>(world: &mut World<'m>, row: RowId, managers: &[Ask<'m>]) -> Lit {
    let any: Vec<Lit> = managers.iter().map(|ask| world.asked(ask, row)).collect();
    world.circuit.any(any)
}
