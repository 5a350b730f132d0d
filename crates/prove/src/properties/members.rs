//! How somebody becomes a member, and more than that.

use super::{Act, Context, Finding};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::encode::Env;
use crate::membership::{Membership, is_of_session};
use crate::sorts::Source;
use crate::verdict::Verdict;
use specc_diag::{Code, codes};
use specc_model::{Entity, RuleAction};

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    let table = context.name(entity.id);
    for role in context.signed_in() {
        for membership in context.memberships.iter().filter(|m| m.members == entity.id) {
            let to = context.name(context.model.relation(membership.to).to);
            for command in [RuleAction::Insert, RuleAction::Update] {
                let Some(right) = Right::of(context.model, entity.id, role, command) else { continue };
                for (at, opening) in right.openings().iter().enumerate() {
                    if is_of_session(context.model, opening.rule) {
                        continue;
                    }
                    let (name, rule) = (&role.name, &opening.rule.name);
                    let mut push = |code: Code, claim: String, wrong: String, verdict: Verdict| {
                        let span = opening.rule.span;
                        found.push(Finding { code, entity: table.clone(), claim, wrong, verdict, span });
                    };
                    if command == RuleAction::Insert {
                        push(
                            codes::SELF_JOIN,
                            format!(
                                "by rule `{rule}` nobody adds itself to `{table}` of a row of `{to}` that it has nothing to do with"
                            ),
                            format!("by rule `{rule}` `{name}` adds itself to `{table}` of any row of `{to}`"),
                            joins(context, &right, role, at, membership),
                        );
                    } else {
                        push(
                            codes::SELF_PROMOTION,
                            format!("by rule `{rule}` nobody makes more of its own row of `{table}`"),
                            format!("by rule `{rule}` `{name}` makes more of its own row of `{table}`"),
                            promotes(context, &right, role, at, membership),
                        );
                    }
                }
            }
        }
    }
}

fn joins<'m>(context: &Context<'m>, right: &Right<'m>, role: &Role, rule: usize, membership: &Membership) -> Verdict {
    let columns = membership.columns(context.model);
    let mut act = Act::new(context, right, role, &columns, []);
    let row = act.after_row();
    let viewer = act.world.session(Source::Viewer);
    let who = act.world.value(row, membership.who);
    let mine = act.world.equal(&who, &viewer).yes;
    let (_, inside) = context.inside(&mut act.world, row, membership.to);
    let opened = act.opened[rule];
    act.decide(&[opened, mine, !inside])
}

/// Whether somebody changes her own row so that a condition of a rule holds of it which did not.
fn promotes<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    role: &Role,
    rule: usize,
    membership: &Membership,
) -> Verdict {
    let columns = membership.columns(context.model);
    let mut act = Act::new(context, right, role, &columns, []);
    let (old, new) = (act.row(), act.after_row());
    let viewer = act.world.session(Source::Viewer);
    let who = act.world.value(old, membership.who);
    let mine = act.world.equal(&who, &viewer).yes;
    let mut gained = Vec::new();
    for condition in context.asked_of(membership) {
        let before = act.world.condition(condition, &Env::bound(old)).yes;
        let after = act.world.condition(condition, &Env::bound(new)).yes;
        gained.push(act.world.circuit.and(!before, after));
    }
    let gained = act.world.circuit.any(gained);
    // Whoever owns what it is a membership of loses nothing and gains nothing by it.
    let owned = context.owned(&mut act.world, old, membership.to);
    let opened = act.opened[rule];
    if gained == Lit::FALSE {
        return Verdict::Proven { rows: 0 };
    }
    act.decide(&[opened, mine, gained, !owned])
}
