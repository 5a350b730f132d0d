//! Conditions that become true where a plain query is shown no rows. Such a query runs with the rights of who asks, so
//! the policies of the tables that it reads hide rows from it: `exists` is false then, and `not exists` is true.

use super::policies::Guarded;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, codes};
use specc_model::effective::{self, Decision, Effective, PUBLIC};
use specc_model::formula::{Form, Formula, Node, Operator, Part, Sql};
use specc_model::{Entity, EntityId, Model, Rls, Rule, RuleAction};

/// The tables of plain queries that make the condition true where they show no rows; `negative`: it is negated.
pub(super) fn tables(model: &Model, formula: &Formula, negative: bool, found: &mut Vec<EntityId>) {
    match &formula.node {
        Node::Nested(inner) => tables(model, inner, negative, found),
        Node::Not(inner) => tables(model, inner, !negative, found),
        Node::Is(inner, "true" | "not false") => tables(model, inner, negative, found),
        Node::Is(inner, "false" | "not true") => tables(model, inner, !negative, found),
        Node::Binary(op @ (Operator::And | Operator::Or), _) => {
            formula.chain(op).into_iter().for_each(|part| tables(model, part, negative, found));
        }
        // A nesting without end was reported by the checker.
        Node::Predicate(id, _) => tables(model, &model.predicates[id.0 as usize].body.formula, negative, found),
        Node::Form(form) => {
            if let Some(query) = query(form) {
                let negative = negative != is_negative(form);
                let negated = &query.negated;
                found.extend(query.tables().filter(|table| negative != negated.contains(table)));
            }
        }
        _ => {}
    }
}

/// The plain query of `exists (…)`, `… in (…)`, `… <> all (…)`.
fn query(form: &Form) -> Option<&Sql> {
    form.parts.iter().find_map(|part| match part {
        Part::Operand(formula, _) => match &formula.node {
            Node::Sql(sql) if sql.query => Some(&**sql),
            _ => None,
        },
        _ => None,
    })
}

/// Whether the form is true of a query without rows.
fn is_negative(form: &Form) -> bool {
    form.parts.iter().any(|part| match part {
        Part::Words(words) => words.starts_with("not ") || words.starts_with(" not ") || words.ends_with(" all"),
        _ => false,
    })
}

/// Says which of the tables hide rows from those whom the rule is for.
pub(super) fn warn(model: &Model, guarded: Guarded<'_>, rule: &Rule, tables: &[EntityId], out: &mut Vec<Diagnostic>) {
    let mut tables = tables.to_vec();
    tables.sort();
    tables.dedup();
    for entity in tables.into_iter().map(|id| model.entity(id)).filter(|entity| hides(model, entity, rule)) {
        let name = &entity.name.name;
        let message = format!("rule `{}` holds where rows of `{name}` are hidden from who asks", rule.name);
        let back = guarded.entity.incoming.iter().map(|id| model.relation(*id)).find(|r| r.from == entity.id);
        let path = back.map_or_else(|| "path".into(), |relation| relation.inverse.clone());
        let help =
            format!("a plain query sees what who asks may read; write `exists {path} (…)`, which sees every row");
        out.push(Diagnostic::new(codes::HIDDEN_ROWS, rule.span, message).help(help));
    }
}

/// Whether somebody whom the rule is for may read the table, and is not shown every row. Who may not read it at all
/// gets an error.
fn hides(model: &Model, entity: &Entity, rule: &Rule) -> bool {
    if entity.rls == Rls::Off || entity.external {
        return false;
    }
    let mut roles = effective::grantees(model, rule);
    if roles.iter().any(|role| role == PUBLIC) {
        roles.extend(entity.rules.iter().flat_map(|other| effective::grantees(model, other)));
    }
    roles.iter().any(|role| {
        let acts_as = effective::acts_as(model, role);
        Effective::decision(model, entity, &acts_as, RuleAction::Select).is_some_and(|decision| !shows_all(&decision))
    })
}

/// Whether those who may read see every row.
fn shows_all(decision: &Decision<'_>) -> bool {
    decision.narrowings.is_empty() && decision.openings.iter().any(|opening| opening.rule.when.is_none())
}

/// Whether some of these roles may not read every row of the table.
pub(super) fn sees_less(model: &Model, entity: &Entity, roles: &[SmolStr]) -> bool {
    entity.rls != Rls::Off
        && roles.iter().any(|role| {
            let decision = Effective::decision(model, entity, &effective::acts_as(model, role), RuleAction::Select);
            decision.is_none_or(|decision| !shows_all(&decision))
        })
}
