//! How somebody becomes a member, and more than that.

use super::{Act, Context, Finding};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::membership::{Membership, is_of_session};
use crate::standing::Person;
use crate::verdict::Verdict;
use specc_diag::{Code, codes};
use specc_model::{Entity, RuleAction};

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    let table = context.name(entity.id);
    for role in context.signed_in() {
        for membership in context.memberships_in(entity.id) {
            let to = context.name(context.model.relation(membership.to).to);
            for command in [RuleAction::Insert, RuleAction::Update] {
                let Some(right) = context.right(entity.id, role, command) else { continue };
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
                        if let Some((columns, verdict)) = ranks(context, &right, role, at, membership) {
                            push(
                                codes::UNGIVEN_RANK,
                                format!("by rule `{rule}` nobody chooses {columns} of its own row of `{table}`"),
                                format!("by rule `{rule}` `{name}` chooses {columns} of its own row of `{table}`"),
                                verdict,
                            );
                        }
                    } else {
                        push(
                            codes::SELF_PROMOTION,
                            format!("by rule `{rule}` nobody makes more of its own row of `{table}`"),
                            format!("by rule `{rule}` `{name}` makes more of its own row of `{table}`"),
                            promotes(context, &right, role, at, membership),
                        );
                        if right.writes(membership.who) {
                            push(
                                codes::SELF_PROMOTION,
                                format!("by rule `{rule}` nobody makes a row of `{table}` of another one its own"),
                                format!("by rule `{rule}` `{name}` makes a row of `{table}` of another one its own"),
                                takes(context, &right, role, at, membership),
                            );
                        }
                    }
                }
            }
        }
    }
}

fn joins<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    role: &Role,
    rule: usize,
    membership: &Membership<'m>,
) -> Verdict {
    let columns = membership.columns(context.model);
    let mut act = Act::new(context, right, role, &columns, []);
    let row = act.after_row();
    let mine = context.is_hers(&mut act.world, row, membership);
    let (linked, inside) = context.inside(&mut act.world, row, membership.to);
    // A row that no rule asks for gives nothing: a request, until somebody grants it.
    let given: Vec<Lit> = membership.asks.iter().map(|ask| act.world.asked(ask, row)).collect();
    let given = act.world.circuit.any(given);
    let opened = act.opened[rule];
    act.decide(&[opened, mine, linked, given, !inside])
}

/// Whether somebody adds herself and says as what: the rule takes the row with one rank, for which rules ask, and with
/// another, for which they do not. The columns of the rank come with the verdict; none where she does not write them.
fn ranks<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    role: &Role,
    rule: usize,
    membership: &Membership<'m>,
) -> Option<(String, Verdict)> {
    let entity = right.entity;
    let columns: Vec<_> = membership.ranks.iter().copied().filter(|field| right.writes(*field)).collect();
    if columns.is_empty() {
        return None;
    }
    let names: Vec<String> = columns.iter().map(|field| format!("`{}`", entity.fields[*field].name)).collect();
    let mut act = Act::new(context, right, role, &membership.columns(context.model), []);
    let row = act.after_row();
    let world = &mut act.world;
    let mine = context.is_hers(world, row, membership);
    let linked = context.inside(world, row, membership.to).0;
    let other = world.variant(row, columns.iter().copied());
    let (also, _) = right.accepts(world, other);
    let mut more = Vec::new();
    for ask in &membership.asks {
        let (with, without) = (world.asked(ask, row), world.asked(ask, other));
        more.push(world.circuit.and(with, !without));
    }
    let more = world.circuit.any(more);
    // Whoever owns what it is a membership of gives the ranks herself, and an invitation may say one.
    let owned = context.owned(world, row, membership.to);
    let given = context.given(world, row, membership, &columns);
    let member = context.is_in(world, row, membership);
    let opened = act.opened[rule];
    Some((names.join(", "), act.decide(&[opened, mine, linked, also, more, !owned, !given, !member])))
}

/// Whether somebody changes her own row so that a condition of a rule holds of it which did not.
fn promotes<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    role: &Role,
    rule: usize,
    membership: &Membership<'m>,
) -> Verdict {
    let columns = membership.columns(context.model);
    // Of two who belong to each other one asks, and the other one says yes: who asks has made the row.
    let makes = context.right(right.entity.id, role, RuleAction::Insert).filter(|_| is_mutual(context, membership));
    let asked =
        makes.iter().flat_map(|makes| makes.conditions()).map(|(formula, holds)| (right.entity.id, formula, holds));
    let mut act = Act::new(context, right, role, &columns, asked.collect::<Vec<_>>());
    let (old, new) = (act.row(), act.after_row());
    let mine = context.is_hers(&mut act.world, old, membership);
    let made = makes.map_or(Lit::TRUE, |makes| makes.accepts(&mut act.world, old).0);
    let mut gained = Vec::new();
    for ask in &membership.asks {
        let (before, after) = (act.world.asked(ask, old), act.world.asked(ask, new));
        gained.push(act.world.circuit.and(!before, after));
    }
    let gained = act.world.circuit.any(gained);
    // Whoever owns what it is a membership of loses nothing and gains nothing by it.
    let owned = context.owned(&mut act.world, old, membership.to);
    let member =
        if membership.by == Person::Viewer { Lit::FALSE } else { context.is_in(&mut act.world, old, membership) };
    let opened = act.opened[rule];
    if act.world.circuit.is_never(gained) {
        return Verdict::Proven { rows: 0 };
    }
    act.decide(&[opened, mine, gained, made, !owned, !member])
}

/// Whether either of two columns of its rows may be who belongs to the other.
fn is_mutual(context: &Context<'_>, membership: &Membership<'_>) -> bool {
    let to = |of: &Membership<'_>| context.model.relation(of.to).fields.as_slice();
    let mut others = context.memberships_in(membership.members);
    others.any(|other| to(other) == [membership.who] && to(membership) == [other.who])
}

/// Whether somebody makes a row hers that was another one's, of which a rule asks what it asks of no row of hers.
fn takes<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    role: &Role,
    rule: usize,
    membership: &Membership<'m>,
) -> Verdict {
    let columns = membership.columns(context.model);
    let mut act = Act::new(context, right, role, &columns, []);
    let (old, new, opened) = (act.row(), act.after_row(), act.opened[rule]);
    let world = &mut act.world;
    let person = world.person(&membership.by);
    let another = world.says(old, membership.who, &person).no;
    let hers = context.is_hers(world, new, membership);
    let fields = &context.model.relation(membership.to).fields;
    let mut gained = Vec::new();
    for ask in &membership.asks {
        let mut had = Vec::new();
        for other in world.table(membership.members).into_iter().filter(|other| *other != old) {
            let mut all =
                vec![world.rows[other].exists, context.is_hers(world, other, membership), world.asked(ask, other)];
            for field in fields {
                let (a, b) = (world.value(other, *field), world.value(new, *field));
                all.push(world.equal(&a, &b).yes);
            }
            had.push(world.circuit.all(all));
        }
        let (had, holds) = (world.circuit.any(had), world.asked(ask, new));
        gained.push(world.circuit.and(holds, !had));
    }
    let gained = world.circuit.any(gained);
    let owned = context.owned(world, new, membership.to);
    // Who may invite may invite herself.
    let member = if membership.by == Person::Viewer { Lit::FALSE } else { context.is_in(world, old, membership) };
    act.decide(&[opened, another, hers, gained, !owned, !member])
}
