//! What keeps itself true: triggers for workflows, maintained values, limits, immutable fields and webhooks.
//!
//! Every function lives in the helper schema, is plpgsql with nothing but `pg_catalog` in its search path, and qualifies
//! all it names. Those that have to see every row, whatever the policies show to the one who writes, are `security
//! definer`. Variables are named with the label of their block, columns with their row: no name of the author's can stand
//! for another.
//!
//! # Order
//!
//! Postgres fires triggers of one kind in the order of their names. Ours start with `zz_`, so that triggers of the author
//! and of mixins have had their say about the row, and then with the word that puts them in order:
//!
//! | before each row | | after the statement | |
//! |---|---|---|---|
//! | `zz_kept…` | refuses a count that is set by hand | `zz_keep_…` | locks the parents, moves counts and sums |
//! | `zz_limit_…` | may change the row (overflow) | `zz_limit_…` | refuses what is over, gives free places to those who wait |
//! | `zz_refuse_change` | refuses a change of an immutable field | | |
//! | `zz_workflow_…` | refuses a step that the workflow lacks | | |
//!
//! So a limit decides first and the workflow judges what it decided: a row that overflows into `waitlisted` is checked
//! as `waitlisted`. Webhooks (`zz_webhook_…`, after each row) send the row as stored.
//!
//! None of the triggers before a row has a column list: a column that an earlier trigger changed would not match it.
//! Their `when` keeps them off the rows that do not concern them.
//!
//! # Locks
//!
//! First the rows that a statement changes, then tokens (`limit`), then the parents, those of one table in the order of
//! their keys and tables in the order of their names. What comes after waits for nobody.

mod captured;
mod guard;
mod immutable;
mod keep;
mod limit;
pub(crate) mod plpgsql;
mod webhook;
mod workflow;

pub(crate) use keep::counts;

use crate::Output;
use crate::structure::{Room, functions, names, own, table_of};
use smol_str::SmolStr;
use specc_catalog::{Dependency, Entry, Function, Qualified, SqlExpr, TableName, Timing, Trigger};
use specc_diag::Span;
use specc_model::formula::Formula;
use specc_model::{Entity, Expr, Model};

/// The statements by which the limits of an entity hold over rows that no trigger saw, in order, and whether each removes rows.
pub fn limits_of(model: &Model, entity: &Entity) -> Vec<(String, bool)> {
    limit::bulk(model, entity)
}

pub(crate) fn lower(model: &Model, out: &mut Output) {
    let mut room = Room::new(model, out);
    immutable::lower(&mut room);
    workflow::lower(&mut room);
    for (_, entity) in own(model) {
        guard::lower(&mut room, entity);
        keep::lower(&mut room, entity);
        limit::lower(&mut room, entity);
    }
    webhook::lower(&mut room);
    captured::check(model, &mut room.out.diagnostics);
}

/// A generated function, before it has a name.
struct Routine {
    body: String,
    /// What it does, for `comment on`.
    comment: String,
    /// It has to see all rows.
    definer: bool,
    depends: Vec<Dependency>,
    /// The author's formulas in its body.
    formulas: Vec<Formula>,
}

impl Routine {
    fn new(body: String, comment: impl Into<String>) -> Self {
        Self { body, comment: comment.into(), definer: false, depends: Vec::new(), formulas: Vec::new() }
    }

    fn definer(mut self, definer: bool) -> Self {
        self.definer = definer;
        self
    }

    fn needs(mut self, depends: impl IntoIterator<Item = Dependency>) -> Self {
        self.depends.extend(depends);
        self
    }

    /// These stand in its body.
    fn reads<'e>(mut self, exprs: impl IntoIterator<Item = &'e Expr>) -> Self {
        self.formulas.extend(exprs.into_iter().map(|e| e.formula.clone()));
        self
    }

    /// Its body reads or writes this table.
    fn uses(self, table: &TableName) -> Self {
        let dependency = Dependency::new(table.id(), "its body reads or writes it");
        self.needs([dependency])
    }
}

/// Adds a trigger function named `<table>_<what>` to the helper schema.
fn trigger_function(room: &mut Room, entity: &Entity, what: &[&str], routine: Routine, span: Span) -> Qualified {
    let name = names::helper(room.model, entity, what);
    let function =
        functions::trigger_function(room.model.options.helper_schema.clone(), name, routine.body.as_str().into());
    helper(room, entity, function, routine, span)
}

/// Adds a function to the helper schema, with the settings that all of ours have.
fn helper(room: &mut Room, entity: &Entity, mut function: Function, routine: Routine, span: Span) -> Qualified {
    function.security_definer = routine.definer;
    let path = plpgsql::search_path(room.model, routine.formulas.iter());
    let unresolved = plpgsql::unresolved(room.model, entity, routine.formulas.iter(), &path, span);
    room.out.diagnostics.extend(unresolved);
    function.settings = vec![("search_path".into(), path.into())];
    let name = Qualified::new(function.schema.clone(), function.name.clone());
    let mut entry = Entry::new(function);
    entry.comment = Some(routine.comment.into());
    entry.depends = routine.depends;
    entry.area = entity.meta.area.clone();
    room.add(entry, span);
    name
}

/// A trigger of ours. It fires before each row unless told otherwise.
struct Attach {
    name: SmolStr,
    timing: Timing,
    event: &'static str,
    of: Vec<SmolStr>,
    per_row: bool,
    old_table: Option<SmolStr>,
    new_table: Option<SmolStr>,
    when: Option<SqlExpr>,
    args: Vec<SmolStr>,
}

impl Attach {
    fn before(event: &'static str, name: &[&str]) -> Self {
        let mut parts = vec!["zz"];
        parts.extend(name);
        Self {
            name: names::joined(&parts),
            timing: Timing::Before,
            event,
            of: Vec::new(),
            per_row: true,
            old_table: None,
            new_table: None,
            when: None,
            args: Vec::new(),
        }
    }

    fn after(event: &'static str, name: &[&str]) -> Self {
        Self { timing: Timing::After, ..Self::before(event, name) }
    }

    /// Once for the statement, with its rows as tables.
    fn statement(mut self, old_table: Option<&str>, new_table: Option<&str>) -> Self {
        self.per_row = false;
        self.old_table = old_table.map(Into::into);
        self.new_table = new_table.map(Into::into);
        self
    }

    /// Only statements that set these columns.
    fn of(mut self, columns: Vec<SmolStr>) -> Self {
        self.of = columns;
        self
    }

    fn when(mut self, when: Option<String>) -> Self {
        self.when = when.map(SqlExpr::new);
        self
    }

    /// The columns that the condition reads.
    fn reading(mut self, columns: impl IntoIterator<Item = SmolStr>) -> Self {
        if let Some(when) = &mut self.when {
            when.columns.extend(columns);
            when.columns.sort();
            when.columns.dedup();
        }
        self
    }

    fn args(mut self, args: impl IntoIterator<Item = SmolStr>) -> Self {
        self.args.extend(args);
        self
    }

    fn to(self, room: &mut Room, entity: &Entity, function: &Qualified, span: Span) {
        let mut entry = Entry::new(Trigger {
            table: table_of(entity),
            name: self.name,
            timing: self.timing,
            events: vec![(self.event.into(), self.of)],
            per_row: self.per_row,
            old_table: self.old_table,
            new_table: self.new_table,
            when: self.when,
            function: function.clone(),
            args: self.args,
            constraint: false,
            initially_deferred: false,
            enabled: SmolStr::default(),
        });
        entry.area = entity.meta.area.clone();
        room.add(entry, span);
    }
}
