//! What somebody may do after a statement of her own that she might not do before.
//!
//! Rules that a question of one statement accuses are left out here: what follows from them follows from that.

use super::{Act, Context, Finding, denied, does};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::demand::reads;
use crate::membership::{Membership, is_of_session, is_of_who_asks};
use crate::sorts::{query, visit};
use crate::standing::Person;
use crate::verdict::{Verdict, name};
use crate::world::{RowId, World};
use specc_diag::{Span, codes};
use specc_model::formula::{Formula, Node, Operator};
use specc_model::{Entity, EntityId, FieldIx, Rule, RuleAction};
use std::collections::{BTreeMap, BTreeSet};

/// Rules by their places that nobody trusts.
pub type Accused = BTreeSet<Span>;

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, accused: &Accused, found: &mut Vec<Finding>) {
    for role in context.signed_in() {
        let mut asked = BTreeSet::new();
        // How somebody adds herself is asked below.
        let joined = context.memberships_in(entity.id).next().is_some();
        let commands = [RuleAction::Select, RuleAction::Update, RuleAction::Delete, RuleAction::Insert];
        for command in commands.into_iter().filter(|command| *command != RuleAction::Insert || !joined) {
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
    if accused.contains(&rule.span) || joins.is_some() && is_of_session(context.model, rule) {
        return;
    }
    let adds = right.command == RuleAction::Insert && joins.is_none();
    for (first, columns) in read_by(context, entity, rule) {
        let standing = is_standing(context, entity, rule, first);
        // What she writes of her own row is asked about by itself, and that there is one is no right. How many rows she
        // has added says nothing of what she may.
        let known = Some(first) == context.model.viewer && (standing || adds) || adds && first == entity.id;
        if known || !crate::is_guarded(context.model.entity(first)) {
            continue;
        }
        for command in [RuleAction::Insert, RuleAction::Update, RuleAction::Delete] {
            let Some(step) = context.right(first, role, command) else { continue };
            let trusted = |at: &usize| !accused.contains(&step.openings()[*at].rule.span);
            let trusted: Vec<usize> = (0..step.openings().len()).filter(trusted).collect();
            let changes = command == RuleAction::Delete || columns.iter().any(|field| step.writes(*field));
            if trusted.is_empty() || !changes {
                continue;
            }
            let (table, to) = (context.name(entity.id), name(context.model, first));
            let who = &role.name;
            let what = match command {
                RuleAction::Insert => "inserted",
                RuleAction::Update => "updated",
                _ => "deleted",
            };
            let verb = match (joins, adds) {
                (Some(_), _) => "adds itself to rows of".to_owned(),
                (None, true) => "inserts rows of".to_owned(),
                (None, false) => format!("{} rows of", does(right.command)),
            };
            let by = format!("by rule `{}` `{who}` {verb} `{table}`", rule.name);
            let claim = format!("{by} no sooner because it has {what} a row of `{to}`");
            let wrong = format!("{by} because it has {what} a row of `{to}`");
            let asked = Steps { context, step: &step, trusted: &trusted, columns: &columns, standing, right, role, at };
            let verdict = asked.gain(joins);
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
    // Of a membership it asks for hers, which is asked about by itself; unless it leads on from there, or is of nothing.
    found.retain(|entity, columns| {
        let known = |field: &FieldIx| {
            context.memberships_in(*entity).any(|m| {
                let to = context.model.relation(m.to);
                !is_of_itself(context, m)
                    && m.by == Person::Viewer
                    && !to.nullable
                    && (m.who == *field || to.fields.contains(field) || m.ranks.contains(field))
            })
        };
        !columns.iter().all(known)
    });
    found
}

/// Whether all that a rule reads of an entity is of who asks, whatever the row is: `exists (… where user_id = viewer)`.
fn is_standing(context: &Context<'_>, entity: &Entity, rule: &Rule, of: EntityId) -> bool {
    let mut rest: Vec<&Formula> = [&rule.when, &rule.check].into_iter().flatten().map(|expr| &expr.formula).collect();
    while let Some(part) = rest.pop() {
        if !reads(context.model, entity.id, part).iter().any(|(read, _)| *read == of) {
            continue;
        }
        match &part.node {
            Node::Binary(Operator::And | Operator::Or, sides) => rest.extend([&sides.0, &sides.1]),
            Node::Not(inner) | Node::Nested(inner) => rest.push(inner),
            _ if is_of_who_asks(context.model, part) => {}
            _ => return false,
        }
    }
    true
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

/// A statement, and the rule that may let another one through because of it.
struct Steps<'a, 'm> {
    context: &'a Context<'m>,
    step: &'a Right<'m>,
    /// The openings of the statement that nothing else accuses.
    trusted: &'a [usize],
    /// What the rule reads of the row that is written.
    columns: &'a BTreeSet<FieldIx>,
    /// That is of who asks, whatever the other row is.
    standing: bool,
    right: &'a Right<'m>,
    role: &'a Role,
    at: usize,
}

impl<'m> Steps<'_, 'm> {
    fn gain(&self, joins: Option<&Membership<'m>>) -> Verdict {
        let Self { context, step, right, role, .. } = *self;
        let columns = joins.map(|membership| membership.columns(context.model)).unwrap_or_default();
        let makes = context.right(step.entity.id, role, RuleAction::Insert).filter(|_| self.may_be_at_will());
        let takes = context.right(step.entity.id, role, RuleAction::Delete).filter(|_| makes.is_some());
        let asked = [Some(right), makes.as_deref(), takes.as_deref()].into_iter().flat_map(denied);
        let mut act = Act::after(context, &[step], right, role, &columns, asked.collect::<Vec<_>>());
        let by: Vec<Lit> = act.before.iter().flat_map(|opened| self.trusted.iter().map(|at| opened[*at])).collect();
        let opened = act.opened[self.at];
        let (first, row) = (act.first(), act.row());
        let world = act.world();
        let by = world.circuit.any(by);
        let before = world.in_phase(0, |world| match right.command {
            RuleAction::Insert => right.accepts(world, row).0,
            _ => right.reaches(world, row).0,
        });
        let mut all = vec![by, opened, !before];
        if let Some(membership) = joins {
            all.push(context.is_hers(world, row, membership));
            all.push(world.in_phase(0, |world| context.inside(world, row, membership.to).0));
        }
        // Whose it is, or who belongs to what it is a part of, opens and closes her own.
        let touched = world.in_phase(0, |world| match (right.command, joins) {
            (RuleAction::Insert, None) => context.is_under_hers(world, row),
            (_, None) => context.touches(world, row),
            (_, Some(membership)) => context.refers_to_hers(world, row, context.model.relation(membership.to)),
        });
        all.push(!touched);
        // What she adds to a row of her own making is new as well.
        if let (RuleAction::Insert, None, Some(made)) = (right.command, joins, first.1) {
            let outgoing = right.entity.outgoing.iter().map(|id| context.model.relation(*id));
            for relation in outgoing.filter(|relation| relation.to == step.entity.id) {
                all.push(!context.linked(world, row, made, relation));
            }
        }
        // There is no file yet in the folder of a row that she adds.
        if let (RuleAction::Insert, Some(made)) = (step.command, first.1) {
            let folders: Vec<_> =
                world.folders.iter().filter(|((of, ..), _)| *of == row).map(|(_, of)| of.clone()).collect();
            let key = step.entity.key.iter().flat_map(|key| &key.fields).copied();
            for field in
                key.filter(|field| !folders.is_empty() && world.is_numbered(step.entity.id, *field)).collect::<Vec<_>>()
            {
                let key = world.value(made, field);
                all.extend(folders.iter().map(|folder| !world.equal(folder, &key).yes).collect::<Vec<_>>());
            }
        }
        // Who adds herself, or makes more of her own row, is asked about by itself.
        let others = context.memberships_in(step.entity.id).filter(|m| !is_of_itself(context, m));
        for membership in others {
            for row in [first.0, first.1].into_iter().flatten() {
                let hers = world.in_phase(0, |world| context.is_hers(world, row, membership));
                let mut of_something = vec![hers];
                for field in &context.model.relation(membership.to).fields {
                    let value = world.value(row, *field);
                    of_something.push(world.present(&value));
                }
                all.push(!world.circuit.all(of_something));
            }
        }
        if let (Some(old), Some(makes)) = (first.0, makes) {
            let mut at_will = vec![world.in_phase(0, |world| makes.accepts(world, old).0)];
            if step.command == RuleAction::Update {
                at_will.push(takes.map_or(Lit::FALSE, |takes| world.in_phase(0, |world| takes.reaches(world, old).0)));
            }
            all.push(!world.circuit.all(at_will));
        }
        if let (RuleAction::Delete, Some(old)) = (step.command, first.0) {
            all.push(!self.is_referred_to(world, old));
        }
        act.decide(&all)
    }

    /// Whether the row that is written may be one that she makes and takes away as she likes: what that held back of others
    /// she held back herself, as somebody who blocks another one.
    fn may_be_at_will(&self) -> bool {
        let makes = self.context.right(self.step.entity.id, self.role, RuleAction::Insert);
        let whole = |makes: &Right<'_>| self.columns.iter().all(|field| makes.writes(*field));
        !self.standing && self.step.command != RuleAction::Insert && makes.is_some_and(|makes| whole(&makes))
    }

    /// Whether a row that stays refers to one that goes: it would go as well, or hold it.
    fn is_referred_to(&self, world: &mut World<'m>, gone: RowId) -> Lit {
        let mut referring = Vec::new();
        for id in &self.step.entity.incoming {
            let relation = self.context.model.relation(*id);
            for row in world.tables.get(&relation.from).cloned().unwrap_or_default() {
                if row != gone && relation.fields.iter().all(|field| world.is_read(row, *field)) {
                    referring.push(self.context.linked_from(world, row, gone, relation));
                }
            }
        }
        world.circuit.any(referring)
    }
}
