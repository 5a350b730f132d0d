//! Invitations that still count after who gave them has gone.

use super::{Act, Context, Finding};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::membership::{Membership, asked_of};
use crate::standing::Person;
use crate::verdict::Verdict;
use crate::world::RowId;
use specc_diag::codes;
use specc_model::{Entity, FieldIx, RuleAction};

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    let memberships = context.memberships_in(entity.id).filter(|m| m.by == Person::Viewer);
    for membership in memberships {
        let to = context.model.relation(membership.to).to;
        let invitations = context.memberships_of(to);
        let invitations = invitations.filter(|other| other.by != Person::Viewer && other.members != entity.id);
        for invitation in invitations {
            let givers = givers(context, invitation);
            for role in context.signed_in().filter(|_| !givers.is_empty()) {
                let Some(right) = context.right(entity.id, role, RuleAction::Insert) else { continue };
                for (at, opening) in right.openings().iter().enumerate() {
                    let rule = opening.rule;
                    if asked_of(context.model, rule, invitation).is_empty() {
                        continue;
                    }
                    let (table, by, tenant) =
                        (context.name(entity.id), context.name(invitation.members), context.name(to));
                    let does = format!("by rule `{}` `{}` becomes one of `{table}`", rule.name, role.name);
                    let claim =
                        format!("{does} by a row of `{by}` only while who gave it belongs to the row of `{tenant}`");
                    let wrong =
                        format!("{does} by a row of `{by}` whose giver no longer belongs to the row of `{tenant}`");
                    let verdict = stale(context, &right, role, at, membership, invitation, &givers);
                    let (code, span) = (codes::STALE_INVITATION, rule.span);
                    found.push(Finding { code, entity: table, claim, wrong, verdict, span });
                }
            }
        }
    }
}

/// The columns that say who gave an invitation.
fn givers(context: &Context<'_>, invitation: &Membership<'_>) -> Vec<FieldIx> {
    let owners = context.owners(invitation.members).iter().copied();
    owners.filter(|field| *field != invitation.who).collect()
}

fn stale<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    role: &Role,
    at: usize,
    membership: &Membership<'m>,
    invitation: &Membership<'m>,
    givers: &[FieldIx],
) -> Verdict {
    let mut columns = [membership.columns(context.model), invitation.columns(context.model)].concat();
    columns.extend(givers.iter().map(|field| (invitation.members, *field)));
    let mut act = Act::new(context, right, role, &columns, []);
    let (new, opened) = (act.after_row(), act.opened[at]);
    let mut all = vec![opened, context.is_hers(act.world(), new, membership)];
    for given in act.world().table(invitation.members) {
        let exists = act.world().rows[given].exists;
        let hers = context.is_hers(act.world(), given, invitation);
        let same = same_tenant(context, &mut act, (given, invitation), (new, membership));
        let mut there = Vec::new();
        for member in act.world().table(membership.members) {
            let is = act.world().rows[member].exists;
            let of = same_tenant(context, &mut act, (member, membership), (new, membership));
            let mut any = Vec::new();
            for giver in givers {
                let (a, b) = (act.world().value(given, *giver), act.world().value(member, membership.who));
                any.push(act.world().equal(&a, &b).yes);
            }
            let is_giver = act.world().circuit.any(any);
            there.push(act.world().circuit.all([is, of, is_giver]));
        }
        let there = act.world().circuit.any(there);
        all.push(!act.world().circuit.all([exists, hers, same, there]));
    }
    act.decide(&all)
}

/// Whether two rows are of memberships of the same row.
fn same_tenant<'m>(
    context: &Context<'m>,
    act: &mut Act<'m>,
    (one, of): (RowId, &Membership<'m>),
    (other, as_of): (RowId, &Membership<'m>),
) -> Lit {
    let (one_by, other_by) = (context.model.relation(of.to), context.model.relation(as_of.to));
    let mut all = Vec::new();
    for (a, b) in one_by.fields.iter().zip(&other_by.fields) {
        let (a, b) = (act.world().value(one, *a), act.world().value(other, *b));
        all.push(act.world().equal(&a, &b).yes);
    }
    act.world().circuit.all(all)
}
