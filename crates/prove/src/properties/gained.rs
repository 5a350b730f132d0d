//! What somebody may do after a statement of her own that she might not do before.
//!
//! Rules that a question of one statement accuses are left out here: what follows from them follows from that.

use super::{Act, Context, Finding, denied, does};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::demand::reads;
use crate::membership::{Membership, is_of_session};
use crate::sorts::{query, visit};
use crate::standing::Person;
use crate::verdict::{Verdict, name};
use specc_diag::{Span, codes};
use specc_model::formula::Node;
use specc_model::{Entity, EntityId, FieldIx, Rule, RuleAction};
use std::collections::{BTreeMap, BTreeSet};

/// Rules by their places that nobody trusts.
pub type Accused = BTreeSet<Span>;

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, accused: &Accused, found: &mut Vec<Finding>) {
    for role in context.signed_in() {
        let mut asked = BTreeSet::new();
        for command in [RuleAction::Select, RuleAction::Update, RuleAction::Delete] {
            let Some(right) = context.right(entity.id, role, command) else { continue };
            for (at, opening) in right.openings().iter().enumerate() {
                // What a rule opens to one statement it opens to another.
                if asked.insert(opening.rule.span) {
                    after_each(context, &right, role, at, None, accused, found);
                }
            }
        }
        for membership in context.memberships_in(entity.id) {
            let Some(right) = context.right(entity.id, role, RuleAction::Insert) else { continue };
            for at in 0..right.openings().len() {
                after_each(context, &right, role, at, Some(membership), accused, found);
            }
        }
    }
}

/// Asks it after each statement that changes what the rule reads.
fn after_each<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    role: &Role,
    at: usize,
    joins: Option<&Membership<'m>>,
    accused: &Accused,
    found: &mut Vec<Finding>,
) {
    let (entity, rule) = (right.entity, right.openings()[at].rule);
    if accused.contains(&rule.span) || is_of_session(context.model, rule) {
        return;
    }
    for (first, columns) in read_by(context, entity, rule) {
        if !crate::is_guarded(context.model.entity(first)) {
            continue;
        }
        for command in [RuleAction::Insert, RuleAction::Update] {
            let Some(step) = context.right(first, role, command) else { continue };
            let trusted = |at: &usize| !accused.contains(&step.openings()[*at].rule.span);
            let trusted: Vec<usize> = (0..step.openings().len()).filter(trusted).collect();
            if trusted.is_empty() || !columns.iter().any(|field| step.writes(*field)) {
                continue;
            }
            let (table, to) = (context.name(entity.id), name(context.model, first));
            let (who, what) = (&role.name, if command == RuleAction::Insert { "inserted" } else { "updated" });
            let verb = match joins {
                Some(_) => "adds itself to rows of".to_owned(),
                None => format!("{} rows of", does(right.command)),
            };
            let by = format!("by rule `{}` `{who}` {verb} `{table}`", rule.name);
            let claim = format!("{by} no sooner because it has {what} a row of `{to}`");
            let wrong = format!("{by} because it has {what} a row of `{to}`");
            let verdict = gains(context, &step, &trusted, right, role, at, joins);
            found.push(Finding { code: codes::GAINED_RIGHT, entity: table, claim, wrong, verdict, span: rule.span });
        }
    }
}

/// The columns that a rule reads of each entity.
fn read_by(context: &Context<'_>, entity: &Entity, rule: &Rule) -> BTreeMap<EntityId, BTreeSet<FieldIx>> {
    let mut found: BTreeMap<EntityId, BTreeSet<FieldIx>> = BTreeMap::new();
    for expr in [&rule.when, &rule.check].into_iter().flatten() {
        for (entity, field) in reads(context.model, entity.id, &expr.formula) {
            found.entry(entity).or_default().insert(field);
        }
    }
    // Of the row itself it asks what the row is.
    if !reads_others(context, entity, rule) {
        found.remove(&entity.id);
    }
    // Of a membership it asks for hers, which is asked about by itself; unless it leads on from there.
    found.retain(|entity, columns| {
        let known = |field: &FieldIx| {
            context.memberships_in(*entity).any(|m| {
                let to = &context.model.relation(m.to).fields;
                !is_of_itself(context, m)
                    && m.by == Person::Viewer
                    && (m.who == *field || to.contains(field) || m.ranks.contains(field))
            })
        };
        !columns.iter().all(known)
    });
    found
}

/// Whether its rows are members of rows of the same entity, such as a folder of the one above.
fn is_of_itself(context: &Context<'_>, membership: &Membership<'_>) -> bool {
    context.model.relation(membership.to).to == membership.members
}

/// Whether a rule reads other rows of its own entity.
fn reads_others(context: &Context<'_>, entity: &Entity, rule: &Rule) -> bool {
    let mut reads = false;
    for expr in [&rule.when, &rule.check].into_iter().flatten() {
        visit(context.model, &expr.formula, &mut |part| {
            let steps = match &part.node {
                Node::Path(_, steps, _) => steps,
                Node::Exists(exists) => &exists.steps,
                _ => return reads |= query(part).is_some_and(|sql| sql.tables().any(|table| table == entity.id)),
            };
            reads |= steps.iter().any(|step| context.model.step_target(*step) == entity.id);
        });
    }
    reads
}

fn gains<'m>(
    context: &Context<'m>,
    step: &Right<'m>,
    trusted: &[usize],
    right: &Right<'m>,
    role: &Role,
    at: usize,
    joins: Option<&Membership<'m>>,
) -> Verdict {
    let columns = joins.map(|membership| membership.columns(context.model)).unwrap_or_default();
    let mut act = Act::after(context, &[step], right, role, &columns, denied(Some(right)));
    let by: Vec<Lit> = act.before.iter().flat_map(|opened| trusted.iter().map(|at| opened[*at])).collect();
    let opened = act.opened[at];
    let (first, row) = (act.first(), act.row());
    let world = act.world();
    let by = world.circuit.any(by);
    let before = world.in_phase(0, |world| match joins {
        Some(_) => right.accepts(world, row).0,
        None => right.reaches(world, row).0,
    });
    let mut all = vec![by, opened, !before];
    if let Some(membership) = joins {
        all.push(context.is_hers(world, row, membership));
        all.push(world.in_phase(0, |world| context.inside(world, row, membership.to).0));
    }
    // Whose it is, or who belongs to what it is a part of, opens and closes her own.
    let touched = world.in_phase(0, |world| match joins {
        None => context.touches(world, row),
        Some(membership) => {
            let relation = context.model.relation(membership.to);
            let mut by = Vec::new();
            for target in world.table(relation.to) {
                let linked = context.linked(world, row, target, relation);
                let touched = context.touches(world, target);
                by.push(world.circuit.and(linked, touched));
            }
            world.circuit.any(by)
        }
    });
    all.push(!touched);
    // Who adds herself, or makes more of her own row, is asked about by itself.
    let others = context.memberships_in(step.entity.id).filter(|m| !is_of_itself(context, m));
    for membership in others {
        for row in [first.0, first.1].into_iter().flatten() {
            all.push(!world.in_phase(0, |world| context.is_hers(world, row, membership)));
        }
    }
    act.decide(&all)
}
