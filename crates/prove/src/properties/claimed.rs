//! Rows that belong to whoever has a claim: columns that rules compare with the token, such as the tenant in it.

use super::{Act, Context, Finding, does};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::membership::is_of_session;
use crate::sorts::{Source, address, asks, session};
use crate::standing::Person;
use crate::verdict::Verdict;
use smol_str::SmolStr;
use specc_diag::{Code, Span, codes};
use specc_model::formula::{Formula, Node};
use specc_model::{Entity, FieldIx, RuleAction};
use std::collections::BTreeSet;

const ALL: [RuleAction; 4] = [RuleAction::Select, RuleAction::Insert, RuleAction::Update, RuleAction::Delete];

/// A column, and the claim that its rows are for.
type Claimed = (FieldIx, Box<[SmolStr]>);

/// Whether whoever has a claim writes it herself.
fn is_of_user(keys: &[SmolStr]) -> bool {
    keys.first().is_some_and(|key| key == "user_metadata")
}

/// What somebody says of herself proves nothing, whatever a rule compares it with.
fn said_by_user<'m>(context: &Context<'m>, right: &Right<'m>, role: &Role, at: usize) -> Option<Finding> {
    let rule = right.openings()[at].rule;
    let mut said = None;
    for expr in [&rule.when, &rule.check].into_iter().flatten() {
        let (mut asked, mut known) = (vec![&expr.formula], BTreeSet::new());
        while let Some(formula) = asked.pop() {
            if !known.insert(address(formula)) {
                continue;
            }
            formula.visit_all(context.model, &mut |part| {
                if let Some(Source::Claim(keys)) = session(part).filter(|_| said.is_none()) {
                    said = is_of_user(&keys).then(|| keys.join("."));
                }
                asked.extend(asks(context.model, part));
            });
        }
    }
    let (said, name, table) = (said?, &role.name, context.name(right.entity.id));
    let act = Act::new(context, right, role, &[], []);
    let opened = act.opened[at];
    let verdict = act.decide(&[opened]);
    let claim = format!("rule `{}` of `{table}` trusts no claim that users write themselves", rule.name);
    let wrong =
        format!("rule `{}` lets `{name}` through for the claim `{said}`, which users write themselves", rule.name);
    Some(Finding { code: codes::SELF_DECLARED, entity: table, claim, wrong, verdict, span: rule.span })
}

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    for role in context.signed_in() {
        for right in ALL.into_iter().filter_map(|command| context.right(entity.id, role, command)) {
            found.extend((0..right.openings().len()).filter_map(|at| said_by_user(context, &right, role, at)));
        }
    }
    for claimed in claimed(context, entity) {
        for role in context.signed_in() {
            for command in ALL {
                let Some(right) = context.right(entity.id, role, command) else { continue };
                for at in 0..right.openings().len() {
                    push(context, &right, role, at, &claimed, found);
                }
            }
        }
    }
}

/// The columns of an entity that its rules compare with claims that say neither who it is nor as which role she comes.
fn claimed(context: &Context<'_>, entity: &Entity) -> Vec<Claimed> {
    let mut found: Vec<Claimed> = Vec::new();
    let rules = entity.rules.iter().filter(|rule| !rule.forbid).flat_map(|rule| [&rule.when, &rule.check]).flatten();
    for expr in rules {
        expr.formula.visit(|part| {
            let Some((a, b)) = part.equality() else { return };
            for (column, other) in [(a, b), (b, a)] {
                if let (Some(field), Some(Source::Claim(keys))) = (uncast(column).own_column(), session(other))
                    && !is_of_user(&keys)
                    && Person::of(context.model, other).is_none()
                    && !matches!(&*keys, [only] if only == "role")
                    && !found.iter().any(|(known, _)| *known == field)
                {
                    found.push((field, keys));
                }
            }
        });
    }
    found
}

fn uncast(formula: &Formula) -> &Formula {
    let mut formula = formula.bare();
    while let Node::Cast(cast) = &formula.node {
        formula = cast.of.bare();
    }
    formula
}

fn push<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    role: &Role,
    at: usize,
    claimed: &Claimed,
    found: &mut Vec<Finding>,
) {
    let (entity, rule, command) = (right.entity, right.openings()[at].rule, right.command);
    if is_of_session(context.model, rule) {
        return;
    }
    let (table, name, column) = (context.name(entity.id), &role.name, &entity.fields[claimed.0].name);
    let claim = claimed.1.join(".");
    let mut push = |code: Code, span: Span, said: String, wrong: String, verdict: Verdict| {
        found.push(Finding { code, entity: table.clone(), claim: said, wrong, verdict, span });
    };
    let verb = format!("by rule `{}` `{name}` {}", rule.name, does(command));
    let code = if command == RuleAction::Select { codes::FOREIGN_READ } else { codes::FOREIGN_WRITE };
    push(
        code,
        rule.span,
        format!("{verb} rows of `{table}` only whose `{column}` is its claim `{claim}`"),
        format!("{verb} rows of `{table}` whose `{column}` is not its claim `{claim}`"),
        foreign(context, right, role, at, claimed, false),
    );
    if command == RuleAction::Update && right.writes(claimed.0) {
        let verb = format!("by rule `{}` `{name}` sets", rule.name);
        push(
            codes::MOVED_AWAY,
            rule.span,
            format!("{verb} `{column}` of rows of `{table}` to its claim `{claim}` only"),
            format!("{verb} `{column}` of rows of `{table}` to what is not its claim `{claim}`"),
            foreign(context, right, role, at, claimed, true),
        );
    }
}

/// Whether the row is there, before or afterwards (`moved`), for another claim than hers.
fn foreign<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    role: &Role,
    at: usize,
    (field, keys): &Claimed,
    moved: bool,
) -> Verdict {
    let mut act = Act::new(context, right, role, &[(right.entity.id, *field)], []);
    let (before, opened) = (act.row(), act.opened[at]);
    let row = if moved { act.after_row() } else { before };
    let world = act.world();
    let claim = world.session(Source::Claim(keys.clone()));
    let held = world.value(row, *field);
    let (there, hers) = (world.present(&held), world.equal(&held, &claim).yes);
    let changed = if moved { world.differs(before, row, *field) } else { Lit::TRUE };
    // What is one's own is one's own.
    let own = context.owns(world, row);
    let exempt = if moved || right.command == RuleAction::Insert { Lit::FALSE } else { own };
    act.decide(&[opened, there, !hers, changed, !exempt])
}
