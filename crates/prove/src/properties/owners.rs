//! Whose a row is, before and after somebody wrote it.

use super::{Act, Context, Finding};
use crate::access::{Right, Role};
use crate::membership::{is_of_session, owners, owners_of};
use crate::sets::is_array;
use crate::sorts::{Source, is_viewer};
use crate::verdict::Verdict;
use specc_diag::{Code, codes};
use specc_model::formula::{Formula, Operator};
use specc_model::{Entity, ExprRef, FieldIx, Rule, RuleAction};

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    let table = context.name(entity.id);
    for role in context.signed_in() {
        let asked = owners(context.model, entity);
        for field in context.owners(entity.id).iter().copied() {
            let column = &entity.fields[field].name;
            // Who adds others is asked of memberships by itself.
            let member = context.memberships.iter().any(|m| {
                m.members == entity.id && (m.who == field || context.model.relation(m.to).fields.contains(&field))
            });
            // Where rules for inserting say whose a row is, the other columns are for whom it is.
            let mut authors = owners_of(context.model, entity, inserts_rows);
            if authors.is_empty() {
                // A list is of others than whose the row is.
                authors = asked.iter().copied().filter(|field| !is_array(&entity.fields[*field].ty)).collect();
            }
            let written = authors.is_empty() || authors.contains(&field);
            let authors = if written { Vec::new() } else { authors };
            for command in [RuleAction::Insert, RuleAction::Update] {
                let Some(right) = context.right(entity.id, role, command) else { continue };
                for (at, opening) in right.openings().iter().enumerate().filter(|(_, by)| right.opens(by, field)) {
                    let insert = command == RuleAction::Insert;
                    if insert && (member || !written || !asked.contains(&field))
                        || is_of_session(context.model, opening.rule)
                    {
                        continue;
                    }
                    let (name, rule) = (&role.name, &opening.rule.name);
                    let mut push = |code: Code, claim: String, wrong: String, verdict: Verdict| {
                        let span = opening.rule.span;
                        found.push(Finding { code, entity: table.clone(), claim, wrong, verdict, span });
                    };
                    if command == RuleAction::Insert {
                        push(
                            codes::IMPERSONATION,
                            format!("by rule `{rule}` `{name}` inserts into `{table}` with itself as `{column}` only"),
                            format!("by rule `{rule}` `{name}` inserts into `{table}` with another one as `{column}`"),
                            inserts(context, &right, role, at, field),
                        );
                        continue;
                    }
                    push(
                        codes::TAKE_OVER,
                        format!(
                            "by rule `{rule}` `{name}` becomes `{column}` of no row of `{table}` that was another one's"
                        ),
                        format!(
                            "by rule `{rule}` `{name}` becomes `{column}` of rows of `{table}` that were another one's"
                        ),
                        moves(context, &right, role, at, (field, &authors), true),
                    );
                    if !asked.contains(&field) {
                        continue;
                    }
                    push(
                        codes::GIVE_AWAY,
                        format!(
                            "by rule `{rule}` `{name}` makes nobody else `{column}` of a row of `{table}` of its own"
                        ),
                        format!(
                            "by rule `{rule}` `{name}` makes another one `{column}` of a row of `{table}` of its own"
                        ),
                        moves(context, &right, role, at, (field, &authors), false),
                    );
                }
            }
        }
    }
}

/// Whether a rule lets rows be inserted.
fn inserts_rows(rule: &Rule) -> bool {
    rule.actions.iter().any(|(action, _)| *action == RuleAction::Insert)
}

fn inserts<'m>(context: &Context<'m>, right: &Right<'m>, role: &Role, rule: usize, field: FieldIx) -> Verdict {
    let mut act = Act::new(context, right, role, &[(right.entity.id, field)], []);
    let row = act.after_row();
    let viewer = act.world.session(Source::Viewer);
    let other = act.world.says(row, field, &viewer).no;
    let opened = act.opened[rule];
    act.decide(&[opened, other])
}

/// Whether a row comes to the viewer (`comes`), or goes from her, by a column. Whoever wrote it, as one of the others says,
/// decides for whom it is.
fn moves<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    role: &Role,
    rule: usize,
    (field, authors): (FieldIx, &[FieldIx]),
    comes: bool,
) -> Verdict {
    let columns: Vec<_> = authors.iter().chain([&field]).map(|field| (right.entity.id, *field)).collect();
    let mut act = Act::new(context, right, role, &columns, []);
    let (old, new) = (act.row(), act.after_row());
    let viewer = act.world.session(Source::Viewer);
    let wrote: Vec<_> = authors.iter().map(|author| act.world.says(old, *author, &viewer).yes).collect();
    let wrote = act.world.circuit.any(wrote);
    let (was, is) = (act.world.says(old, field, &viewer), act.world.says(new, field, &viewer));
    let opened = act.opened[rule];
    // What the owner offers somebody is hers to take.
    let offered = if comes { offers(context, right.openings()[rule].rule, right.entity, field) } else { Vec::new() };
    let offered: Vec<_> = offered.iter().map(|other| act.world.says(old, *other, &viewer).yes).collect();
    let offered = act.world.circuit.any(offered);
    // From nobody, or to nobody, is no harm done to anybody.
    let (before, after) = if comes { (was.no, is.yes) } else { (was.yes, is.no) };
    act.decide(&[opened, before, after, !wrote, !offered])
}

/// The columns by which a rule lets somebody take a row whom they name: it asks for one of them before, and for `field`
/// afterwards.
fn offers(context: &Context<'_>, rule: &Rule, entity: &Entity, field: FieldIx) -> Vec<FieldIx> {
    let named = |expr: &Option<ExprRef>| -> Vec<FieldIx> {
        let parts = expr.iter().flat_map(|expr| expr.formula.chain(&Operator::And));
        let of = |part: &Formula| {
            let (a, b) = part.equality()?;
            [(a, b), (b, a)].into_iter().find(|(_, by)| is_viewer(by)).and_then(|(of, _)| of.own_column())
        };
        parts.filter_map(of).collect()
    };
    if !named(&rule.check).contains(&field) {
        return Vec::new();
    }
    let all = context.owners(entity.id);
    named(&rule.when).into_iter().filter(|other| *other != field && all.contains(other)).collect()
}
