//! Rows beside the rows that they refer to, or are part of: rows under what nobody shows, rows that go with others, and
//! parts of a table.

use super::{Act, Context, Finding, denied};
use crate::access::{Right, Role, binds, passes};
use crate::circuit::Lit;
use crate::membership::is_of_session;
use crate::verdict::Verdict;
use specc_diag::codes;
use specc_model::{Entity, EntityId, FieldIx, Relation, Rule, RuleAction};
use specc_syntax::ast::RefActionKind;

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    let model = context.model;
    let cascades = |r: &&Relation| r.options.on_delete.as_ref().is_some_and(|on| on.kind == RefActionKind::Cascade);
    for role in &context.roles {
        let outgoing = entity.outgoing.iter().map(|id| model.relation(*id)).filter(cascades);
        let parents =
            outgoing.filter(|r| !r.nullable && Some(r.to) != model.viewer && !context.is_tenant(r.to, entity.id));
        for relation in parents.filter(|r| !model.entity(r.to).external && crate::is_guarded(model.entity(r.to))) {
            if let Some(right) = context.right(entity.id, role, RuleAction::Insert) {
                for at in 0..right.openings().len() {
                    found.extend(blind(context, &right, relation, role, at));
                }
            }
        }
        let incoming = entity.incoming.iter().map(|id| model.relation(*id)).filter(cascades);
        for relation in incoming.filter(|r| r.from != entity.id) {
            found.extend(goes_along(context, entity, relation, role));
        }
        for whole in entity.inherits.iter().take(1).filter(|whole| crate::is_guarded(model.entity(**whole))) {
            found.extend(part(context, entity, *whole, role));
        }
    }
}

/// Whether somebody adds a row to one that she does not read.
fn blind<'m>(context: &Context<'m>, right: &Right<'m>, relation: &Relation, role: &Role, at: usize) -> Option<Finding> {
    let (entity, rule) = (right.entity, right.openings()[at].rule);
    if is_of_session(context.model, rule) {
        return None;
    }
    let parent = context.right(relation.to, role, RuleAction::Select);
    let columns: Vec<(EntityId, FieldIx)> = relation.fields.iter().map(|field| (entity.id, *field)).collect();
    let mut act = Act::new(context, right, role, &columns, denied(parent.as_deref()));
    let row = act.after_row();
    let closed = context.under_closed(&mut act.world, row, relation, parent.as_deref());
    let opened = act.opened[at];
    let (table, to, name) = (context.name(entity.id), context.name(relation.to), &role.name);
    let claim = format!("by rule `{}` `{name}` adds rows of `{table}` only to a `{to}` that it reads", rule.name);
    let wrong = format!("by rule `{}` `{name}` adds rows of `{table}` to a `{to}` that it does not read", rule.name);
    let verdict = act.decide(&[opened, closed]);
    Some(Finding { code: codes::BLIND_CHILD, entity: table, claim, wrong, verdict, span: rule.span })
}

/// Whether a row that a rule keeps from being deleted goes with the one that it refers to.
fn goes_along<'m>(context: &Context<'m>, entity: &'m Entity, relation: &'m Relation, role: &Role) -> Option<Finding> {
    let model = context.model;
    let right = context.right(entity.id, role, RuleAction::Delete)?;
    let child = model.entity(relation.from);
    let keeps = |rule: &&Rule| {
        let deletes = rule.actions.iter().any(|(action, columns)| *action == RuleAction::Delete && columns.is_empty());
        // What is hidden goes without a trace anyway.
        let hides = rule.actions.iter().any(|(action, _)| *action == RuleAction::Select);
        rule.forbid && deletes && !hides && binds(model, rule, role)
    };
    let rules: Vec<&Rule> = child.rules.iter().filter(keeps).collect();
    let first = rules.first()?;
    let asked = rules.iter().filter_map(|rule| Some((child.id, &rule.when.as_ref()?.formula, !rule.unless)));
    let columns: Vec<_> = relation.fields.iter().map(|field| (child.id, *field)).collect();
    let mut act = Act::new(context, &right, role, &columns, asked);
    let row = act.row();
    let mut kept = Vec::new();
    for below in act.world.table(child.id) {
        let linked = context.linked_from(&mut act.world, below, row, relation);
        let mut lets = Lit::TRUE;
        for rule in &rules {
            let passes = passes(&mut act.world, below, rule, rule.when.as_ref().map(|expr| &expr.formula));
            lets = act.world.circuit.and(lets, passes);
        }
        kept.push(act.world.circuit.and(linked, !lets));
    }
    let kept = act.world.circuit.any(kept);
    let (table, of, name) = (context.name(child.id), context.name(entity.id), &role.name);
    let claim = format!("no row of `{table}` that rule `{}` keeps goes when `{name}` deletes from `{of}`", first.name);
    let wrong = format!("rows of `{table}` that rule `{}` keeps go when `{name}` deletes from `{of}`", first.name);
    let verdict = act.decide(&[kept]);
    Some(Finding { code: codes::CASCADED_DELETE, entity: table, claim, wrong, verdict, span: first.span })
}

/// Whether a row of a table that inherits is read which the rules of the whole deny.
fn part<'m>(context: &Context<'m>, entity: &'m Entity, whole: EntityId, role: &Role) -> Option<Finding> {
    let right = context.right(entity.id, role, RuleAction::Select)?;
    let above = context.right(whole, role, RuleAction::Select);
    // The columns of the whole come first, so its rules read them of a row of the part.
    let asked = denied(above.as_deref()).into_iter().map(|(_, formula, holds)| (entity.id, formula, holds));
    let mut act = Act::new(context, &right, role, &[], asked.collect::<Vec<_>>());
    let row = act.row();
    let seen = above.as_ref().map_or(Lit::FALSE, |above| above.reaches(&mut act.world, row).0);
    let (table, of, name) = (context.name(entity.id), context.name(whole), &role.name);
    let claim = format!("`{name}` reads no row of `{table}` that the rules of `{of}`, whose part it is, deny");
    let wrong = format!("`{name}` reads rows of `{table}` that the rules of `{of}`, whose part it is, deny");
    let allowed = act.allowed();
    let verdict = match act.world.circuit.is_never(allowed) {
        true => Verdict::Proven { rows: 0 },
        false => act.decide(&[!seen]),
    };
    let span = right.openings()[0].rule.span;
    Some(Finding { code: codes::OPEN_PART, entity: table, claim, wrong, verdict, span })
}
