//! Who changes rows that she has nothing to do with.

use super::{Accused, Act, Context, Finding, does};
use crate::circuit::Lit;
use crate::membership::is_of_session;
use crate::sorts::{Source, asks, session, visit};
use crate::standing::Person;
use specc_diag::codes;
use specc_model::formula::{Formula, Node};
use specc_model::{Entity, Model, Rule, RuleAction};

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, accused: &Accused, found: &mut Vec<Finding>) {
    let owners = context.owners(entity.id);
    let is_viewer = Some(entity.id) == context.model.viewer;
    // Of what is in a tenant more is asked by itself.
    let outgoing = entity.outgoing.iter().map(|id| context.model.relation(*id));
    let in_tenant = outgoing.into_iter().any(|r| !r.nullable && context.is_tenant(r.to, entity.id));
    if owners.is_empty() && !is_viewer || in_tenant {
        return;
    }
    for role in context.signed_in() {
        for command in [RuleAction::Update, RuleAction::Delete] {
            let Some(right) = context.right(entity.id, role, command) else { continue };
            for (at, opening) in right.openings().iter().enumerate() {
                let rule = opening.rule;
                let accused = accused.contains(&rule.span);
                if accused || is_of_session(context.model, rule) || asks_of_session(context.model, rule) {
                    continue;
                }
                let columns: Vec<_> = owners.iter().map(|field| (entity.id, *field)).collect();
                let mut act = Act::new(context, &right, role, &columns, []);
                let (row, opened) = (act.row(), act.opened[at]);
                let world = act.world();
                let touches = context.touches(world, row);
                let mut owned = Vec::new();
                for field in owners {
                    let owner = world.value(row, *field);
                    owned.push(world.present(&owner));
                }
                let owned = if is_viewer { Lit::TRUE } else { world.circuit.any(owned) };
                let verdict = act.decide(&[opened, owned, !touches]);
                let (table, name, does) = (context.name(entity.id), &role.name, does(command));
                let claim = format!(
                    "by rule `{}` `{name}` {does} no row of `{table}` of another one that it has nothing to do with",
                    rule.name
                );
                let wrong = format!(
                    "by rule `{}` `{name}` {does} rows of `{table}` of others that it has nothing to do with",
                    rule.name
                );
                let (code, span) = (codes::STRANGER, rule.span);
                found.push(Finding { code, entity: table, claim, wrong, verdict, span });
            }
        }
    }
}

/// Whether a rule asks who is asking for more than whose the row is: her rank, or whether other rows have to do with her.
fn asks_of_session(model: &Model, rule: &Rule) -> bool {
    let mut found = false;
    for expr in [&rule.when, &rule.check].into_iter().flatten() {
        visit(model, &expr.formula, &mut |part| {
            found |= match &part.node {
                Node::ViewerField(_) => true,
                Node::Exists(exists) => reads_session(model, &exists.condition),
                Node::Sql(sql) => sql.select().is_some_and(|select| {
                    !select.tables.is_empty() && select.conditions.iter().any(|part| reads_session(model, part))
                }),
                Node::Call(_) => asks(model, part).is_some_and(|asked| reads_session(model, asked)),
                _ => matches!(session(part), Some(Source::Claim(_))) && Person::of(model, part).is_none(),
            };
        });
    }
    found
}

fn reads_session(model: &Model, formula: &Formula) -> bool {
    let mut found = false;
    visit(model, formula, &mut |part| found |= matches!(part.node, Node::ViewerField(_)) || session(part).is_some());
    found
}
