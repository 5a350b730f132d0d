//! What a membership opens that says of itself that it is not in force.

use super::{Act, Context, Finding, does};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::membership::{Membership, is_of_session};
use crate::verdict::Verdict;
use specc_diag::codes;
use specc_model::{Entity, EntityId, Relation, RuleAction};

const ALL: [RuleAction; 4] = [RuleAction::Select, RuleAction::Insert, RuleAction::Update, RuleAction::Delete];

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    let lapses = |to: EntityId| lapsing(context, to).next().is_some();
    let outgoing = entity.outgoing.iter().map(|id| context.model.relation(*id));
    let part = |r: &&Relation| !r.nullable && r.to != entity.id && context.is_part(r.to);
    let outgoing = outgoing.filter(|relation| context.is_tenant(relation.to, entity.id) || part(relation));
    let outgoing = outgoing.filter(|relation| lapses(relation.to));
    // The rows of what somebody belongs to, and what refers to it.
    let own = lapses(entity.id).then_some(None);
    for place in own.into_iter().chain(outgoing.map(Some)) {
        for role in context.signed_in() {
            for command in ALL {
                if place.is_none() && command == RuleAction::Insert {
                    continue;
                }
                let Some(right) = context.right(entity.id, role, command) else { continue };
                for at in 0..right.openings().len() {
                    push(context, &right, role, at, place, found);
                }
            }
        }
    }
}

/// The memberships that can lapse by which somebody belongs to rows of an entity.
fn lapsing<'a, 'm>(context: &'a Context<'m>, to: EntityId) -> impl Iterator<Item = &'a Membership<'m>> {
    let tenants = context.tenants_of(to).into_iter();
    tenants.flat_map(|tenant| context.memberships_of(tenant)).filter(|m| !m.lapses.is_empty())
}

fn push<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    role: &Role,
    at: usize,
    place: Option<&Relation>,
    found: &mut Vec<Finding>,
) {
    let (entity, rule) = (right.entity, right.openings()[at].rule);
    if is_of_session(context.model, rule) {
        return;
    }
    let tenant = place.map_or(entity.id, |relation| relation.to);
    let (table, to, name) = (context.name(entity.id), context.name(tenant), &role.name);
    let verb = format!("by rule `{}` `{name}` {}", rule.name, does(right.command));
    let of = if place.is_some() { format!(" of a `{to}`") } else { String::new() };
    let claim = format!("{verb} rows of `{table}`{of} only while its membership is in force");
    let wrong = format!("{verb} rows of `{table}`{of} by a membership that is not in force");
    let verdict = asked(context, right, role, at, place);
    found.push(Finding { code: codes::ENDED_MEMBERSHIP, entity: table, claim, wrong, verdict, span: rule.span });
}

fn asked<'m>(context: &Context<'m>, right: &Right<'m>, role: &Role, at: usize, place: Option<&Relation>) -> Verdict {
    let entity = right.entity.id;
    let tenant = place.map_or(entity, |relation| relation.to);
    let fields = place.map(|relation| relation.fields.clone()).unwrap_or_default();
    let mut columns: Vec<_> = fields.into_iter().map(|field| (entity, field)).collect();
    columns.extend(context.columns_of(tenant));
    let mut act = Act::new(context, right, role, &columns, []);
    let row = act.row();
    let opened = act.opened[at];
    let world = act.world();
    let (inside, in_force) = match place {
        Some(relation) => (context.inside(world, row, relation.id).1, context.inside_in_force(world, row, relation.id)),
        None => context.belongs_to(world, row),
    };
    // What is one's own, or about oneself, is asked about by itself.
    let mut own = vec![context.owns(world, row)];
    for membership in context.memberships_in(entity) {
        own.push(context.is_hers(world, row, membership));
    }
    let own = world.circuit.any(own);
    // By nothing else: without such memberships it is closed.
    for membership in lapsing(context, tenant) {
        for member in world.table(membership.members) {
            let hers = context.is_hers(world, member, membership);
            let lapsed = world.lapsed(member, &membership.lapses);
            let gone = world.circuit.and(hers, lapsed);
            world.keep(member, !gone);
        }
    }
    let without = world.in_phase(1, |world| {
        let found =
            if right.command == RuleAction::Insert { right.accepts(world, row) } else { right.reaches(world, row) };
        found.1[at].1
    });
    let exempt = if right.command == RuleAction::Insert { Lit::FALSE } else { own };
    act.decide(&[opened, inside, !in_force, !without, !exempt])
}
