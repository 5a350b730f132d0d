//! What is written through views, with their owners' rights, that the rules of the table deny.

use super::{Context, Finding, denied, does};
use crate::access::{Right, Role, granted};
use crate::case::Through;
use crate::circuit::Lit;
use crate::demand::demand;
use crate::encode::Env;
use crate::queries::{Fetched, Rights, selects, shown_as};
use crate::verdict::{Done, Question, Verdict};
use crate::world::{RowId, World};
use smol_str::SmolStr;
use specc_diag::codes;
use specc_model::formula::{Read, Select};
use specc_model::{EntityId, FieldIx, Object, RuleAction, View};

/// The commands that Postgres passes on from a view to its table.
const WRITES: [RuleAction; 3] = [RuleAction::Insert, RuleAction::Update, RuleAction::Delete];

/// A view that somebody may write.
struct Writable<'a, 'm> {
    view: &'m View,
    select: &'m Select,
    table: EntityId,
    role: &'a Role,
    command: RuleAction,
    /// The columns of the table that may be given a value.
    columns: Vec<FieldIx>,
}

/// What a role writes through a view.
pub(super) fn ask<'m>(context: &Context<'m>, at: usize, role: &Role, found: &mut Vec<Finding>) {
    let view = &context.model.views[at];
    if view.materialized || !Rights::default().viewing(view).owner {
        return;
    }
    for command in WRITES {
        let grants = granted(context.model, &Object::View(at), role, command.word());
        if grants.is_empty() {
            continue;
        }
        let (name, who, does) = (&view.name.name, &role.name, does(command));
        let span = view.meta.span;
        let mut push = |entity: String, claim: String, wrong: String, verdict: Verdict| {
            let verdict = verdict.through(Through::View(at));
            found.push(Finding { code: codes::WRITTEN_THROUGH_VIEW, entity, claim, wrong, verdict, span });
        };
        let [select] = selects(context.model, at) else {
            let claim = format!("`{who}` {does} nothing through view `{name}` that the rules of its table deny");
            push(name.to_string(), claim.clone(), claim, Verdict::OutOfFragment { because: vec![span] });
            continue;
        };
        // Postgres passes on what is a row for each row of one table. What triggers do instead is theirs.
        let one = match select.tables.as_slice() {
            [from] if !select.partial && !select.first && view.triggers.is_empty() => Some(&from.of),
            _ => None,
        };
        let claim = |of: &str| format!("`{who}` {does} nothing of `{of}` through view `{name}` that its rules deny");
        match one {
            Some(Read::Entity(table)) if crate::is_guarded(context.model.entity(*table)) => {
                let (table, of) = (*table, context.name(*table));
                let given = |name: &SmolStr| grants.iter().any(|columns| columns.is_empty() || columns.contains(name));
                let columns = shown_as(context.model, at, table).into_iter();
                let columns = columns.filter(|(name, _)| given(name)).map(|(_, field)| field);
                let columns =
                    columns.filter(|field| crate::access::is_given(context.model.entity(table), command, *field));
                let columns = columns.collect();
                let verdict = Writable { view, select, table, role, command, columns }.decide(context);
                let wrong = format!("`{who}` {does} rows of `{of}` through view `{name}` where its rules deny it");
                push(of.clone(), claim(&of), wrong, verdict);
            }
            Some(Read::Entity(_)) => {}
            None if view.triggers.is_empty() => {}
            _ => push(name.to_string(), claim(name), claim(name), Verdict::OutOfFragment { because: vec![span] }),
        }
    }
}

impl<'m> Writable<'_, 'm> {
    fn decide(&self, context: &Context<'m>) -> Verdict {
        let (table, command, entity) = (self.table, self.command, context.model.entity(self.table));
        let right = context.right(table, self.role, command);
        if command == RuleAction::Update && self.columns.is_empty() {
            return Verdict::Proven { rows: 0 };
        }
        let rows = if command == RuleAction::Update { vec![table, table] } else { vec![table] };
        let columns: Vec<_> = self.columns.iter().map(|field| (table, *field)).collect();
        let mut demand = demand(context.model, &rows, &columns, denied(right.as_deref()));
        // The rows of its query are those of the table, and what its conditions ask beside them.
        let asked =
            crate::demand::demand_of_query(context.model, std::slice::from_ref(self.select), true, None, &[], []);
        demand.complete &= asked.complete;
        demand.live.extend(asked.live);
        #[allow(clippy::iter_over_hash_type)] // a sum of them is made
        for (entity, rows) in asked.sizes {
            *demand.sizes.entry(entity).or_default() += rows;
        }
        let mut world = context.world(&demand, self.role);
        let (old, new) = world.touched(table, command, |field| self.columns.contains(&field));
        let needs = |field: &FieldIx| {
            let column = &entity.fields[*field];
            !column.nullable && column.default.is_none() && column.identity.is_none() && column.generated.is_none()
        };
        let given = |field: &FieldIx| self.columns.contains(field);
        if command == RuleAction::Insert && !(0..entity.fields.len()).filter(needs).all(|field| given(&field)) {
            return Verdict::Proven { rows: 0 };
        }
        let mut wanted = Vec::new();
        if let Some(old) = old {
            wanted.extend([world.rows[old].exists, self.shows(&mut world, old)]);
        }
        if let Some(new) = new.filter(|_| self.view.check_option.is_some()) {
            wanted.push(self.shows(&mut world, new));
        }
        let lets = match &right {
            Some(right) => self.lets(&mut world, right, old, new),
            None => Lit::FALSE,
        };
        wanted.push(!lets);
        let violation = world.circuit.all(wanted);
        let done = vec![Done { command, old, new }];
        Question { world, violation, demand: &demand, done, role: &self.role.name }.decide()
    }

    /// Whether the view has a row among its own.
    fn shows(&self, world: &mut World<'m>, row: RowId) -> Lit {
        let mut env = Env::asking(Rights::default().viewing(self.view), 0);
        let names = self.select.tables.iter().map(|from| (from.name.clone(), Fetched::Row(row)));
        env.queries.extend(names);
        let mut all = Vec::new();
        for condition in &self.select.conditions {
            all.push(world.condition(condition, &env).yes);
        }
        world.circuit.all(all)
    }

    /// Whether the table lets the same through by itself, in its columns too.
    fn lets(&self, world: &mut World<'m>, right: &Right<'m>, old: Option<RowId>, new: Option<RowId>) -> Lit {
        let mut all = vec![right.lets(world, old, new).0];
        for field in self.columns.iter().copied().filter(|field| !right.writes(*field)) {
            let written = match (old, new) {
                (Some(old), Some(new)) => world.differs(old, new, field),
                (None, Some(new)) => world.given(new, field),
                _ => Lit::FALSE,
            };
            all.push(!written);
        }
        world.circuit.all(all)
    }
}
