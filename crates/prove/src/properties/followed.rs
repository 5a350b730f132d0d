//! What goes or changes with a row that somebody deletes, or whose key she changes: no rule is asked for that.

use super::{Act, Context, executes};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::demand::Asked;
use crate::verdict::Verdict;
use crate::world::{RowId, World};
use specc_model::{Entity, EntityId, FieldIx, Model, Relation, RuleAction};
use specc_syntax::ast::{RefAction, RefActionKind};

/// References of references of references.
const DEEPEST: usize = 4;

/// How rows of an entity follow those of another one.
pub(super) struct Way<'m> {
    /// From the row on.
    relations: Vec<&'m Relation>,
    /// What is done to the row at the end.
    command: RuleAction,
}

impl<'m> Way<'m> {
    /// All by which rows are deleted, or these columns of them change; all columns, where none is named.
    pub fn all(model: &'m Model, entity: &Entity, command: RuleAction, columns: &[FieldIx]) -> Vec<Self> {
        let named = |field: &FieldIx| columns.is_empty() || columns.contains(field);
        let mut found = Vec::new();
        for relation in entity.outgoing.iter().map(|id| model.relation(*id)) {
            let (deleted, updated) = (&relation.options.on_delete, &relation.options.on_update);
            let changes = |action: &RefAction, also: RefActionKind| {
                let named = match action.columns.as_slice() {
                    [] => relation.fields.iter().any(named),
                    some => some.iter().any(|column| entity.field(&column.text).is_some_and(|field| named(&field))),
                };
                let kinds = [RefActionKind::SetNull, RefActionKind::SetDefault, also];
                named && kinds.contains(&action.kind)
            };
            let goes = deleted.as_ref().is_some_and(|action| match command {
                RuleAction::Delete => action.kind == RefActionKind::Cascade,
                _ => command == RuleAction::Update && changes(action, RefActionKind::SetNull),
            });
            if goes {
                above(model, vec![relation], &mut found);
            }
            let follows = updated.as_ref().is_some_and(|action| changes(action, RefActionKind::Cascade));
            if command == RuleAction::Update && follows {
                found.push(Self { relations: vec![relation], command });
            }
        }
        found
    }

    /// The entity of the row at the end.
    pub fn top(&self) -> Option<EntityId> {
        self.relations.last().map(|relation| relation.to)
    }

    /// What is done there, as a phrase: `deleting rows of`.
    pub fn doing(&self) -> &'static str {
        if self.command == RuleAction::Delete { "deleting rows of" } else { "changing the key of rows of" }
    }

    /// Whether somebody does it where `speaks` holds of the row that follows.
    pub fn decide(
        &self,
        context: &Context<'m>,
        role: &Role,
        asked: Vec<Asked<'m>>,
        speaks: impl Fn(&mut World<'m>, RowId) -> Lit,
    ) -> Verdict {
        let (Some(first), Some(last)) = (self.relations.first(), self.relations.last()) else {
            return Verdict::Proven { rows: 0 };
        };
        let right = context.right(last.to, role, self.command);
        let does = |right: &Right<'m>| {
            self.command == RuleAction::Delete || last.to_fields.iter().any(|field| right.writes(*field))
        };
        // What is only marked as deleted stays, with all that refers to it.
        let marks = self.command == RuleAction::Delete && executes(context.model.entity(last.to), "soft_delete_row");
        let Some(right) = right.filter(|right| does(right) && !marks) else { return Verdict::Proven { rows: 0 } };
        let columns = self.relations.iter().flat_map(|r| r.fields.iter().map(|field| (r.from, *field)));
        let columns: Vec<_> = columns.collect();
        let mut act = Act::beside(context, first.from, &right, role, &columns, asked);
        let (top, new) = act.rows();
        let Some(top) = top else { return Verdict::Proven { rows: 0 } };
        let mut followed = Vec::new();
        for row in act.world.table(first.from).into_iter().filter(|row| *row != top) {
            let follows = follows(context, &mut act.world, row, &self.relations, top);
            let speaks = speaks(&mut act.world, row);
            followed.push(act.world.circuit.and(follows, speaks));
        }
        let mut together = vec![act.world.circuit.any(followed)];
        if let Some(new) = new {
            let changed: Vec<Lit> = last.to_fields.iter().map(|field| act.world.differs(top, new, *field)).collect();
            together.push(act.world.circuit.any(changed));
        }
        let openings = act.opened.clone();
        let mut verdict = act.decide(&together);
        if let (Verdict::Counterexample(Some(case)), [_]) = (&mut verdict, openings.as_slice()) {
            case.by = right.openings().first().map(|opening| (opening.rule.name.clone(), opening.rule.span));
        }
        verdict
    }
}

/// The way by these references, and those by which the row at its end goes with others.
fn above<'m>(model: &'m Model, relations: Vec<&'m Relation>, found: &mut Vec<Way<'m>>) {
    if let Some(last) = relations.last().filter(|_| relations.len() < DEEPEST) {
        let on = |id: &&specc_model::RelationId| model.relation(**id).options.on_delete.as_ref().map(|on| on.kind);
        let outgoing = model.entity(last.to).outgoing.iter();
        for id in outgoing.filter(|id| on(id) == Some(RefActionKind::Cascade)) {
            let relation = model.relation(*id);
            if relations.iter().all(|known| known.from != relation.to && known.to != relation.to) {
                above(model, [relations.clone(), vec![relation]].concat(), found);
            }
        }
    }
    found.push(Way { relations, command: RuleAction::Delete });
}

/// Whether a row leads to `top` by these references.
fn follows<'m>(context: &Context<'m>, world: &mut World<'m>, row: RowId, relations: &[&Relation], top: RowId) -> Lit {
    match relations {
        [] => Lit::FALSE,
        [last] => context.linked_from(world, row, top, last),
        [first, rest @ ..] => {
            let mut by = Vec::new();
            for target in world.table(first.to) {
                let linked = context.linked_from(world, row, target, first);
                let leads = if linked == Lit::FALSE { linked } else { follows(context, world, target, rest, top) };
                by.push(world.circuit.and(linked, leads));
            }
            world.circuit.any(by)
        }
    }
}
