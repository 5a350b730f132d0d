//! Rules that let nothing through, everything, or nothing that others do not.

use super::{Context, Finding};
use crate::access::Role;
use crate::circuit::Lit;
use crate::demand::Asked;
use crate::encode::Env;
use crate::verdict::{Done, Question, Verdict};
use specc_diag::{Code, codes};
use specc_model::effective::grantees;
use specc_model::formula::{Formula, Node, Value};
use specc_model::{Entity, Rule, RuleAction};

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    for rule in entity.rules.iter().filter(|rule| !rule.forbid) {
        let Some(when) = rule.when.as_ref().map(|expr| &expr.formula) else { continue };
        // Whoever has the rule and is signed in, if anybody who has it is.
        let grantees = grantees(context.model, rule);
        let holders = context.roles.iter().filter(|role| role.acts_as.iter().any(|r| grantees.contains(r)));
        let mut holders: Vec<&Role> = holders.collect();
        holders.sort_by_key(|role| !role.signed_in);
        if holders.is_empty() {
            continue;
        }
        let of_any = |holds: bool| best(holders.iter().map(|role| some_row(context, entity, role, &[], (when, holds))));
        let table = context.name(entity.id);
        let mut push = |code: Code, claim: String, wrong: String, verdict: Verdict| {
            found.push(Finding { code, entity: table.clone(), claim, wrong, verdict, span: rule.span });
        };
        if !is_said(when) {
            let claim = format!("rule `{}` of `{table}` lets a row through", rule.name);
            let wrong = format!("rule `{}` of `{table}` never lets a row through", rule.name);
            push(codes::DEAD_RULE, claim, wrong, of_any(true));
            let claim = format!("rule `{}` of `{table}` holds back a row", rule.name);
            let wrong = format!("the condition of rule `{}` of `{table}` holds of every row", rule.name);
            push(codes::IDLE_CONDITION, claim, wrong, of_any(false));
        }
        for (command, columns) in &rule.actions {
            let covers = |others: &[usize]| {
                others.is_empty() || !columns.is_empty() && columns.iter().all(|column| others.contains(column))
            };
            // What each who holds it has besides.
            let rights = holders.iter().filter_map(|role| Some((*role, context.right(entity.id, role, *command)?)));
            let besides: Vec<(&Role, Vec<&'m Rule>)> = rights
                .map(|(role, right)| {
                    let others = right.openings().iter().filter(|o| !std::ptr::eq(o.rule, rule) && covers(o.columns));
                    (role, others.map(|o| o.rule).collect())
                })
                .collect();
            let Some((_, others)) = besides.first() else { continue };
            let alone = besides.iter().any(|(_, others)| others.is_empty());
            if alone || besides.iter().flat_map(|(_, others)| others).chain([&rule]).any(|rule| rule.check.is_some()) {
                continue;
            }
            let does = super::does(*command);
            let claim = format!(
                "of those who hold rule `{}`, somebody {does} what no other rule of `{table}` opens",
                rule.name
            );
            let names: Vec<String> = others.iter().map(|other| format!("`{}`", other.name)).collect();
            let wrong =
                format!("rule `{}` of `{table}` opens nothing that {} does not ({does})", rule.name, names.join(", "));
            let each = besides.iter().map(|(role, others)| some_row(context, entity, role, others, (when, true)));
            push(codes::REDUNDANT_RULE, claim, wrong, best(each));
        }
    }
}

/// Whether it is so for any of the roles: `auth.role() = 'authenticated'` holds for one of them alone.
fn best(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let mut best = Verdict::Counterexample(None);
    for verdict in verdicts {
        match verdict {
            Verdict::Proven { .. } => return verdict,
            Verdict::Counterexample(_) => {}
            _ => best = verdict,
        }
    }
    best
}

/// Whether the condition can be so of a row that none of the other rules lets through. There should be such a row: it is
/// the counterexample that there is none.
pub(super) fn some_row<'m>(
    context: &Context<'m>,
    entity: &'m Entity,
    role: &Role,
    others: &[&'m Rule],
    (when, holds): (&'m Formula, bool),
) -> Verdict {
    let conditions = others.iter().map(|other| other.when.as_ref().map(|expr| &expr.formula));
    let asked = conditions.clone().flatten().map(|formula| (entity.id, formula, false));
    let own: Asked<'m> = (entity.id, when, holds);
    let needed = context.demand(&[entity.id], &[], asked.chain([own]));
    let mut world = context.world(&needed, role);
    let row = world.table(entity.id)[0];
    let yes = world.condition(when, &Env::row(row)).yes;
    let mut there = world.circuit.and(world.rows[row].exists, if holds { yes } else { !yes });
    for other in conditions {
        let through = other.map_or(Lit::TRUE, |formula| world.condition(formula, &Env::row(row)).yes);
        there = world.circuit.and(there, !through);
    }
    let done = vec![Done { command: RuleAction::Select, old: Some(row), new: None }];
    let question = Question { world, violation: there, demand: &needed, done, role: &role.name };
    match question.decide() {
        Verdict::Counterexample(_) => Verdict::Proven { rows: 1 },
        Verdict::Proven { .. } => Verdict::Counterexample(None),
        other => other,
    }
}

/// `when true`
pub(super) fn is_said(formula: &Formula) -> bool {
    matches!(formula.bare().node, Node::Literal(Value::Boolean(_)))
}
