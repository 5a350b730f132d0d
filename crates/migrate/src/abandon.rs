//! The way back from the middle of a change of several files: for each of them what leads from the state after it to the
//! state before the first.

use crate::account::Gone;
use crate::arena::Arena;
use crate::midway::Midway;
use crate::planner::ChangeError;
use crate::schedule::{Plan, Stage};
use crate::strategies::in_place::backfill::keeps_nulls;
use crate::strategies::in_place::table::required_name;
use crate::way_back::{gone_with, hints_back, plan_back};
use specc_catalog::{Catalog, Hints, Kind, Object, ObjectId, TableName};
use specc_diff::{Difference, diff};
use specc_sql::{Alter, Loss, Statement};

/// A file of the change whose state is left.
pub(crate) struct After<'a> {
    /// The plan of the change.
    pub plan: &'a Plan<'a>,
    /// The difference that it was made from.
    pub difference: &'a Difference<'a>,
    /// The state before the first file.
    pub previous: &'a Catalog,
    /// What the author says of the way there.
    pub hints: &'a Hints,
    /// Files, the last one is the one that was completed.
    pub stages: usize,
}

impl After<'_> {
    /// Plans the way back, in one transaction, and gives it to `render` with what it does not bring back.
    ///
    /// # Errors
    /// Where the change cannot be taken back.
    pub fn plan<T>(&self, render: impl FnOnce(&Plan<'_>, &[Loss], &[Gone]) -> T) -> Result<T, ChangeError> {
        let done = || self.plan.stages.iter().take(self.stages).flat_map(Stage::statements);
        let mut midway = Midway::new(self.difference, self.plan.statements());
        done().for_each(|statement| midway.step(statement));
        let arena = Arena::new();
        let mut first = Vec::new();
        let mut kept = Vec::new();
        // The file after this one may have filled a part.
        for statement in self.plan.statements() {
            let Statement::Alter(Alter::Backfill { table, set, counted, .. }) = statement else { continue };
            for (column, _) in set {
                let aside = keeps_nulls(column);
                if !midway.has_column(table, &aside) {
                    continue;
                }
                // What refuses the nulls goes first.
                let check = table.part(Kind::Constraint, required_name(table, column));
                if let Some(Object::Constraint(o)) = midway.object_of(&check) {
                    first.push(Statement::Drop(arena.object(o.clone())));
                    midway.remove(&check);
                }
                let (column, aside) = (arena.text(*column), arena.text(aside));
                let Some(Object::Table(o)) = midway.object_of(&table.id()) else { continue };
                let Some(own) = o.columns.iter().find(|own| own.name == column) else { continue };
                let own = arena.column(own.clone());
                first.push(Statement::Alter(Alter::Unfill { table, column: own, with: aside, counted: *counted }));
                kept.push(((*table).clone(), column));
            }
        }
        // What does not hold for all rows yet is made anew.
        for check in midway.not_valid() {
            let Some(Object::Constraint(o)) = self.previous.get(&check).map(|entry| &entry.object) else { continue };
            if let Some(now) = midway.object_of(&check).filter(|_| !o.not_valid) {
                first.push(Statement::Drop(arena.object(now.clone())));
                midway.remove(&check);
            }
        }
        for (table, column) in midway.take_temporary_defaults() {
            let (table, column) = (arena.table_name(table), arena.text(column));
            first.push(Statement::SetDefault { table, column, default: None });
        }
        let now = midway.catalog();
        let mut hints = hints_back(self.difference, self.hints);
        let there =
            |kind: Kind, schema: &str, name: &str| kind != Kind::View || midway.has(&ObjectId::new(kind, schema, name));
        hints.renames.retain(|rename| {
            rename.part.is_some()
                || there(rename.id.kind, rename.was_in.as_ref().unwrap_or(&rename.id.schema), &rename.was)
        });
        let back_difference = diff(&now, self.previous, &hints);
        let back = plan_back(&back_difference, &hints, &arena, first)?;
        let was_there = |loss: &Loss| match loss {
            Loss::Rows(table) | Loss::Seeded { table, .. } => self.difference.from.contains(&table.id()),
            Loss::Values { table, column } => {
                matches!(self.difference.from.get(&table.id()).map(|entry| &entry.object), Some(Object::Table(o))
                    if o.columns.iter().any(|own| own.name == *column))
            }
            _ => true,
        };
        let losses: Vec<Loss> = back.losses().into_iter().filter(was_there).collect();
        let mut gone = gone_with(&done().collect::<Vec<_>>(), &self.difference.from);
        // The values are there as they were until their column goes.
        let converted = |table: &TableName, column: &str| {
            done().any(|statement| match statement {
                Statement::Alter(Alter::DropColumn { table: of, column: own, .. }) => {
                    *of == table && own.name == column
                }
                Statement::Alter(Alter::SetType { table: of, to, .. }) => *of == table && to.name == column,
                _ => false,
            })
        };
        gone.retain(|gone| match gone {
            Gone::Was(table, column) | Gone::Lost(Loss::Part { table, column, .. }) => converted(table, column),
            Gone::Nulls(table, column) => !kept.iter().any(|(of, own)| of == table && *own == column.as_str()),
            Gone::Lost(_) => true,
        });
        Ok(render(&back, &losses, &gone))
    }
}
