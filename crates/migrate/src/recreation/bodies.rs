//! What holds values that a function gave, when the function computes otherwise: Postgres writes none of it anew.

use super::made_of::is_unseen;
use super::{Cause, Recreation};
use crate::action_graph::{Role, Slot};
use crate::place::{NewPlace, OldPlace, Planned};
use crate::planner::Builder;
use crate::schedule::Phase;
use smol_str::SmolStr;
use specc_catalog::{Column, Function, IndexKey, KeyOn, Object, Rule, SqlExpr, Table};
use specc_sql::quote::ident;
use specc_sql::{Alter, Statement, has_equality};

/// Whether the same arguments may give another result.
pub(super) fn computes_otherwise(a: &Function, b: &Function) -> bool {
    (&a.body, &a.language, a.strict, &a.settings) != (&b.body, &b.language, b.strict, &b.settings)
}

impl Recreation<'_, '_> {
    /// Indexes are built anew, checks are checked again, and computed columns are worked out again; so is what calls the
    /// function by way of another one.
    pub(super) fn body(&mut self, root: OldPlace, function: OldPlace, work: &mut Vec<Cause>) -> Planned {
        if !self.bodies.insert((root, function)) {
            return Ok(());
        }
        let called = self.from.entry(function)?;
        for (other, _) in self.dependents.get(&function).cloned().unwrap_or_default() {
            let entry = self.from.entry(other)?;
            match &entry.object {
                Object::Function(_) => work.push(Cause::Body(root, other)),
                Object::Index(_) => {
                    self.actions.rebuilt.insert(other);
                    self.actions.computed_by.push((root, other));
                    self.recreate(other, work);
                }
                Object::Constraint(o) if matches!(o.rule, Rule::Check { .. } | Rule::Exclude { .. }) => {
                    self.actions.computed_by.push((root, other));
                    self.recreate(other, work);
                }
                Object::Table(table) => self.values(root, other, table, &called.object, work),
                Object::Domain(_) => {
                    let new = self.twin(other).filter(|new| !self.actions.checked.contains(&(other, *new)));
                    if let Some(new) = new.filter(|_| is_unseen(self.from, other)) {
                        if !self.actions.swapped.contains(&(other, new)) {
                            self.actions.altered.retain(|pair| pair.0 != other);
                            self.actions.swapped.push((other, new));
                            work.push(Cause::Type(other));
                        }
                    } else if let Some(new) = new {
                        self.actions.computed_by.push((root, other));
                        self.actions.checked.push((other, new));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A table with columns, or parts, by what the function gave.
    fn values(&mut self, root: OldPlace, at: OldPlace, table: &Table, function: &Object, work: &mut Vec<Cause>) {
        let Some(new) = self.twin(at) else { return };
        let calls = |expr: &SqlExpr| self.calls(&table.table, expr, function);
        let in_key = |key: &IndexKey| matches!(&key.on, KeyOn::Expr(expr) if calls(expr));
        let divides = table.partition_by.iter().flat_map(|by| &by.keys).any(in_key);
        let stored = table.columns.iter().filter(|column| !column.virtual_generated);
        let called = stored.filter(|column| column.generated.as_deref().is_some_and(calls));
        let called: Vec<SmolStr> = called.map(|column| column.name.clone()).collect();
        if divides {
            let why = "its rows stand in the parts that the function gave them, and it gives other ones from now on";
            self.actions.impossible.push((at, why));
        }
        // A part has the columns of its whole.
        if table.partition_of.is_some() {
            return;
        }
        for column in called {
            self.actions.computed_by.push((root, at));
            if self.offline || source(table, &column).is_none() {
                self.actions.computed.push((at, new, column.clone()));
                work.push(Cause::Column(at, column, true));
            } else {
                self.actions.recomputed.push((at, new, column));
            }
        }
    }
}

/// A column that the computed one reads and that an update may set to itself: Postgres computes anew only what reads a
/// column that is set.
fn source<'t>(table: &'t Table, computed: &str) -> Option<&'t Column> {
    let computed = table.columns.iter().find(|column| column.name == computed)?.generated.as_ref()?;
    let fits =
        |column: &&Column| column.generated.is_none() && column.identity.is_none() && computed.reads(&column.name);
    table.columns.iter().find(fits)
}

impl<'d> Builder<'d, '_> {
    /// Works a computed column out again, beside those who use the table.
    pub(crate) fn recompute(&mut self, old: OldPlace, new: NewPlace, name: &str) -> Planned {
        let (a, b) = (self.from.table_at(old)?, self.to.table_at(new)?);
        let (from, to) = (a.columns.iter().find(|c| c.name == *name), b.columns.iter().find(|c| c.name == *name));
        let (Some(from), Some(to)) = (from, to) else { return Ok(()) };
        let Some(value) = to.generated.as_ref() else { return Ok(()) };
        // Otherwise it is made anew already.
        if super::is_regenerated(from, to) || super::computes_anew(a, b, from) || from.ty != to.ty {
            return Ok(());
        }
        let Some(source) = source(b, name) else { return Ok(()) };
        let own = self.arena.text(ident(&source.name));
        let text = if has_equality(&to.ty) { "" } else { "::text" };
        let column = ident(&to.name);
        let fill = Alter::Backfill {
            table: &b.table,
            set: vec![(source.name.as_str(), own), (to.name.as_str(), "default")],
            pending: self.arena.text(format!("{column}{text} is distinct from ({}){text}", value.text)),
            was_null: None,
            gives_up: false,
            refuse: None,
            settings: Vec::new(),
            divided: b.partition_by.is_some(),
            counted: self.is_counted(&b.table, &to.name),
            at_once: false,
            joins: false,
        };
        self.nodes.push(Slot::New(new), Role::After, Phase::Backfill, Statement::Alter(fill));
        Ok(())
    }

    /// What is made anew because a function computes otherwise comes after the function.
    pub(crate) fn after_bodies(&mut self, actions: &super::Actions) {
        let twin = |old: OldPlace| {
            let (id, _) = self.from.at(old).ok()?;
            actions.relabelled.get(&old).copied().or_else(|| self.to.index_of(id))
        };
        let pairs: Vec<_> =
            actions.computed_by.iter().filter_map(|&(function, other)| Some((twin(function)?, twin(other)?))).collect();
        for (function, other) in pairs {
            let made = self.nodes.with(Slot::New(function), &[Role::Make]);
            let again = self.nodes.of(Slot::New(other)).to_vec();
            for &before in &made {
                for &after in &again {
                    let comes = match &self.nodes[after].statement {
                        Statement::Create(_) | Statement::CreateIndexConcurrently(_) => true,
                        Statement::Alter(change) => {
                            matches!(
                                change,
                                Alter::AddNotValid(_)
                                    | Alter::Backfill { .. }
                                    | Alter::AddColumn { .. }
                                    | Alter::ValidateDomainCheck(..)
                            )
                        }
                        _ => false,
                    };
                    if comes {
                        self.nodes.soft(before, after);
                    }
                }
            }
        }
    }
}
