//! Rows that belong to something: who reads and writes them without belonging to it.

use super::{Act, Context, Finding, denied, does};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::membership::is_of_session;
use crate::sorts::{Source, query, visit};
use crate::verdict::Verdict;
use specc_diag::{Code, Span, codes};
use specc_model::formula::Node;
use specc_model::{Entity, EntityId, FieldIx, Relation, Rule, RuleAction};
use specc_syntax::ast::RefActionKind;

const ALL: [RuleAction; 4] = [RuleAction::Select, RuleAction::Insert, RuleAction::Update, RuleAction::Delete];

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    let outgoing: Vec<&Relation> = entity.outgoing.iter().map(|id| context.model.relation(*id)).collect();
    // A row of a membership is of what she belongs to, not of who does.
    let is_who = |relation: &Relation| context.memberships_in(entity.id).any(|m| relation.fields == [m.who]);
    for role in context.signed_in() {
        for relation in outgoing.iter().filter(|relation| !is_who(relation)) {
            let of_part = !context.is_tenant(relation.to, entity.id);
            if of_part && (relation.nullable || relation.to == entity.id || !context.is_part(relation.to)) {
                continue;
            }
            for command in ALL {
                let Some(right) = context.right(entity.id, role, command) else { continue };
                for at in 0..right.openings().len() {
                    // What a row is a part of says who reads it, and adds to it (A0016, A0046).
                    let writes = matches!(command, RuleAction::Update | RuleAction::Delete);
                    if !of_part || writes || asks_for_any_member(context, right.openings()[at].rule) {
                        foreign(context, &right, relation, role, at, found);
                    }
                }
            }
        }
    }
    for role in &context.roles {
        let Some(right) = context.right(entity.id, role, RuleAction::Select) else { continue };
        let contains = |r: &&&Relation| {
            let cascades = r.options.on_delete.as_ref().is_some_and(|on| on.kind == RefActionKind::Cascade);
            let contains = cascades && !r.nullable && Some(r.to) != context.model.viewer;
            // Of what somebody can belong to, more is asked above.
            contains && !context.model.entity(r.to).external && !context.is_tenant(r.to, entity.id)
        };
        for relation in outgoing.iter().filter(contains).filter(|r| crate::is_guarded(context.model.entity(r.to))) {
            for at in 0..right.openings().len() {
                open_child(context, &right, relation, role, at, found);
            }
        }
    }
}

/// Where a rule says whom it is for: in its predicate, if it is nothing else.
fn place(context: &Context<'_>, rule: &Rule) -> (Span, Option<String>) {
    let condition = rule.when.as_ref().or(rule.check.as_ref());
    match condition.map(|expr| &expr.formula.bare().node) {
        Some(Node::Predicate(id, args)) if args.is_empty() => {
            let predicate = &context.model.predicates[id.0 as usize];
            (predicate.meta.span, Some(format!("predicate `{}`", predicate.name)))
        }
        _ => (rule.span, None),
    }
}

/// Whether a rule is for the members of anything, whatever the row is.
fn asks_for_any_member(context: &Context<'_>, rule: &Rule) -> bool {
    let mut asks = false;
    for expr in [&rule.when, &rule.check].into_iter().flatten() {
        visit(context.model, &expr.formula, &mut |part| {
            let sql = query(part).into_iter().flat_map(|sql| sql.tables());
            asks |= sql.into_iter().any(|table| context.memberships_in(table).next().is_some());
        });
    }
    asks && is_of_session(context.model, rule)
}

/// An act on a row that refers to something.
struct Looked<'m> {
    act: Act<'m>,
    /// It refers to anything at all.
    linked: Lit,
    /// Who asks belongs to that.
    inside: Lit,
    /// The row is her own.
    own: Lit,
    /// It is of a tenant of its own to which she belongs.
    within: Lit,
    /// The rule lets it through.
    opened: Lit,
}

fn look<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    relation: &Relation,
    role: &Role,
    at: usize,
    afterwards: bool,
) -> Looked<'m> {
    let columns: Vec<_> = relation.fields.iter().map(|field| (right.entity.id, *field)).collect();
    let columns = [columns, context.columns_of(relation.to)].concat();
    let mut act = Act::new(context, right, role, &columns, []);
    let row = if afterwards { act.after_row() } else { act.row() };
    let (linked, inside) = context.inside(&mut act.world, row, relation.id);
    let own = context.owns(&mut act.world, row);
    let within = context.is_of_row(&mut act.world, row);
    let opened = act.opened[at];
    Looked { act, linked, inside, own, within, opened }
}

fn foreign<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    relation: &Relation,
    role: &Role,
    at: usize,
    found: &mut Vec<Finding>,
) {
    let (entity, command, rule) = (right.entity, right.command, right.openings()[at].rule);
    let (table, to, name) = (context.name(entity.id), context.name(relation.to), &role.name);
    let mut push = |code: Code, span: Span, claim: String, wrong: String, verdict: Verdict| {
        found.push(Finding { code, entity: table.clone(), claim, wrong, verdict, span });
    };
    let Looked { mut act, linked, inside, own, within, opened } = look(context, right, relation, role, at, false);
    if is_of_session(context.model, rule) {
        // It is for whoever has a rank of her own, wherever that stands: said once of all that it opens.
        let (span, by) = place(context, rule);
        let by = by.unwrap_or_else(|| format!("rule `{}` of `{table}`", rule.name));
        let claim = format!("{by} opens rows to those only who belong to what the rows belong to");
        let wrong = format!("{by} opens rows of every `{to}` to whoever satisfies it");
        return push(codes::ALL_TENANTS, span, claim, wrong, act.decide(&[opened, linked, !inside]));
    }
    // Who there is is often for everybody, whatever they belong to.
    if command == RuleAction::Select && Some(entity.id) == context.model.viewer {
        return;
    }
    let verb = format!("by rule `{}` `{name}` {}", rule.name, does(command));
    let is_membership = context.memberships_in(entity.id).any(|m| m.to == relation.id);
    // Whoever adds herself, and what is one's own, is asked about by itself.
    let own = act.world.circuit.or(own, within);
    let exempt = if is_membership || command != RuleAction::Insert { own } else { Lit::FALSE };
    let code = if command == RuleAction::Select { codes::FOREIGN_READ } else { codes::FOREIGN_WRITE };
    let claim = format!("{verb} rows of `{table}` only of a `{to}` that it belongs to");
    let wrong = format!("{verb} rows of `{table}` of a `{to}` that it does not belong to");
    push(code, rule.span, claim, wrong, act.decide(&[opened, linked, !exempt, !inside]));
    // Nobody leaves who she is.
    let leaves = Some(relation.to) != context.model.viewer;
    if matches!(command, RuleAction::Update | RuleAction::Delete) && leaves {
        let Looked { mut act, linked, inside, own, within, opened } = look(context, right, relation, role, at, false);
        // A row that says who belongs is about one, and another one may have written it.
        let own = match (is_membership, command) {
            (true, RuleAction::Update) => wrote(context, &mut act, entity.id),
            (true, _) => Lit::FALSE,
            _ => own,
        };
        if own == Lit::FALSE {
            return moved(context, right, relation, role, at, found);
        }
        let claim = format!("{verb} no row of `{table}` of its own once it has left its `{to}`");
        let wrong = format!("{verb} rows of `{table}` of its own after it has left their `{to}`");
        push(codes::FORMER_MEMBER, rule.span, claim, wrong, act.decide(&[opened, linked, own, !within, !inside]));
    }
    moved(context, right, relation, role, at, found);
}

/// Whether the row is the viewer's by a column that does not say who belongs to what.
fn wrote<'m>(context: &Context<'m>, act: &mut Act<'m>, entity: EntityId) -> Lit {
    let belongs = |field: &FieldIx| context.memberships_in(entity).any(|m| m.who == *field);
    let authors: Vec<FieldIx> = context.owners(entity).iter().copied().filter(|field| !belongs(field)).collect();
    let row = act.row();
    let viewer = act.world.session(Source::Viewer);
    let wrote: Vec<Lit> = authors.into_iter().map(|field| act.world.says(row, field, &viewer).yes).collect();
    act.world.circuit.any(wrote)
}

/// Whether an update takes a row to what the viewer does not belong to.
fn moved<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    relation: &Relation,
    role: &Role,
    at: usize,
    found: &mut Vec<Finding>,
) {
    let (entity, rule) = (right.entity, right.openings()[at].rule);
    let (table, to, name) = (context.name(entity.id), context.name(relation.to), &role.name);
    if right.command == RuleAction::Update {
        let Looked { mut act, linked, inside, opened, .. } = look(context, right, relation, role, at, true);
        let (old, new) = (act.row(), act.after_row());
        let moved: Vec<Lit> = relation.fields.iter().map(|field| act.world.differs(old, new, *field)).collect();
        let moved = act.world.circuit.any(moved);
        let verb = format!("by rule `{}` `{name}` moves", rule.name);
        let claim = format!("{verb} no row of `{table}` to a `{to}` that it does not belong to");
        let wrong = format!("{verb} rows of `{table}` to a `{to}` that it does not belong to");
        let verdict = act.decide(&[opened, moved, linked, !inside]);
        found.push(Finding { code: codes::MOVED_AWAY, entity: table, claim, wrong, verdict, span: rule.span });
    }
}

fn open_child<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    relation: &Relation,
    role: &Role,
    at: usize,
    found: &mut Vec<Finding>,
) {
    let (entity, rule) = (right.entity, right.openings()[at].rule);
    if is_of_session(context.model, rule) {
        return;
    }
    let parent = context.right(relation.to, role, RuleAction::Select);
    let columns: Vec<(EntityId, usize)> = relation.fields.iter().map(|field| (entity.id, *field)).collect();
    let mut act = Act::new(context, right, role, &columns, denied(parent.as_deref()));
    let row = act.row();
    let closed = context.under_closed(&mut act.world, row, relation, parent.as_deref());
    // What is one's own, or about oneself, is one's own.
    let mut own = vec![context.owns(&mut act.world, row)];
    for membership in context.memberships_in(entity.id) {
        own.push(context.is_hers(&mut act.world, row, membership));
    }
    let own = act.world.circuit.any(own);
    let opened = act.opened[at];
    let (table, to, name) = (context.name(entity.id), context.name(relation.to), &role.name);
    let claim = format!("by rule `{}` `{name}` reads no row of `{table}` whose `{to}` it does not read", rule.name);
    let wrong = format!("by rule `{}` `{name}` reads rows of `{table}` whose `{to}` it does not read", rule.name);
    let verdict = act.decide(&[opened, closed, !own]);
    found.push(Finding { code: codes::OPEN_CHILD, entity: table, claim, wrong, verdict, span: rule.span });
}
