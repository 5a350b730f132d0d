//! What goes.

use crate::account::Note;
use crate::action_graph::{Role, Slot};
use crate::place::{NeedsOf, NewPlace, Old, OldPlace, Planned};
use crate::planner::Builder;
use crate::recreation::{Actions, constraint_reads, index_reads};
use crate::schedule::Phase;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{Column, Constraint, IdRef, IndexKey, KeyOn, Kind, Object, Rule, SqlExpr, Strength};
use specc_sql::{Access, Alter, Named, Privileges, Statement};

impl<'d> Builder<'d, '_> {
    /// Drops what is gone, and what is made again. What goes with its table or view is not dropped by itself.
    pub(crate) fn drop_objects(&mut self, actions: &Actions) -> Planned {
        let again: FxHashMap<OldPlace, NewPlace> = actions.recreated.iter().copied().collect();
        let mut places: Vec<OldPlace> = self.set.removed.iter().copied().chain(again.keys().copied()).collect();
        places.sort_unstable();
        if places.is_empty() {
            return Ok(());
        }
        let set: FxHashSet<OldPlace> = places.iter().copied().collect();
        let needs = self.from.needs();
        let mut direct: FxHashSet<OldPlace> = self.set.changed.iter().map(|pair| pair.0).collect();
        direct.extend(&actions.rebuilt);
        let mut along = Vec::new();
        for &old in &places {
            let entry = self.from.entry(old)?;
            let home = self.home(&needs, old);
            if let Some(home) = home.filter(|home| set.contains(home))
                && goes_along(&entry.object)
                && !Self::holds_another(&entry.object)
                && !self.stands_between(&needs, &set, old, home)
            {
                along.push((old, home));
                continue;
            }
            let stays_gone = !again.contains_key(&old) || self.swaps.reads(entry.object.table(), &entry.object);
            if stays_gone && self.goes_with_column(&entry.object) {
                self.with_columns.insert(old);
                continue;
            }
            if !again.contains_key(&old) && self.belongs_to_parent(&entry.object, self.to.catalog, self.from.catalog) {
                continue;
            }
            let slot = Slot::Old(old);
            let table_stays = home.is_some();
            let phase = if actions.at_cut_over.contains(&old) { Phase::CutOver } else { Phase::Main };
            let object = self.called.get(&old).copied().unwrap_or(&entry.object);
            match object {
                // Its rows have moved by then.
                Object::Table(_) if self.moves.goes(old) => {
                    let phase = self.moves.phase(old);
                    let drop = self.drop_moved(old, &entry.object);
                    self.nodes.push(slot, Role::Drop, phase, drop);
                }
                Object::Table(table) => {
                    let held = self.is_held(table).then(|| {
                        let detach = Statement::Alter(Alter::Detach { partition: table });
                        self.nodes.push(slot, Role::Drop, Phase::Main, detach)
                    });
                    let drop = self.nodes.push(slot, Role::Drop, Phase::Main, Statement::DropTable(table));
                    held.into_iter().for_each(|detach| self.nodes.edge(detach, drop));
                }
                Object::Index(index) => {
                    let replaced = again.contains_key(&old) && direct.contains(&old);
                    let beside = !self.options.offline || replaced && self.may_rest_on(&index.table);
                    let online = beside && table_stays && self.can_build_beside(&index.table);
                    match (online, replaced) {
                        // Dropped when its successor is there.
                        (true, true) => {}
                        (true, false) if !again.contains_key(&old) && !actions.at_cut_over.contains(&old) => {
                            let statement = Statement::DropIndexConcurrently(index);
                            self.nodes.push(slot, Role::Drop, Phase::Cleanup, statement);
                        }
                        _ => {
                            self.nodes.push(slot, Role::Drop, phase, Statement::Drop(object));
                        }
                    }
                }
                Object::Constraint(constraint) => {
                    let key = matches!(constraint.rule, Rule::PrimaryKey { .. } | Rule::Unique { .. });
                    let beside = again.contains_key(&old)
                        && direct.contains(&old)
                        && key
                        && !self.options.offline
                        && self.can_build_beside(&constraint.table);
                    let phase = if beside { Phase::CutOver } else { phase };
                    self.nodes.push(slot, Role::Drop, phase, Statement::Drop(object));
                }
                Object::Sql(sql) => {
                    if sql.down.is_none() {
                        let why = "the block has no `down`, so it cannot be taken back; write one";
                        self.impossible.push((entry.object.id(), why.into()));
                    }
                    // Blocks come last, so they go first; over a column that moves, they go and come in one moment.
                    let old_names = self.names_renamed(sql);
                    let phase = if phase == Phase::CutOver && !old_names { phase } else { Phase::Names };
                    let down = self.nodes.push(slot, Role::Drop, phase, Statement::RunDown(sql));
                    if old_names {
                        self.before_renames.push(down);
                    }
                }
                // By its name alone a procedure would be taken for a function.
                Object::Grant(grant) => {
                    let on = self.from.get(&grant.on).map(|entry| &entry.object);
                    let statement = match on {
                        Some(on @ Object::Function(function)) if function.procedure => {
                            let privileges = Privileges::Some(&grant.privileges);
                            let roles = vec![grant.to.as_str()];
                            Statement::Revoke(Access { on: Named::Object(on), privileges, roles })
                        }
                        _ => Statement::Drop(&entry.object),
                    };
                    self.nodes.push(slot, Role::Drop, phase, statement);
                }
                // It may have been there before: `create extension if not exists` does not say.
                Object::Extension(extension) if self.options.one && !self.is_own(&extension.schema) => {
                    self.notes.push(Note::StaysExtension(extension.name.clone()));
                }
                Object::Role(role) if self.options.one => self.notes.push(Note::StaysRole(role.name.clone())),
                // Rows are compared one by one.
                Object::Seed(_) => {}
                other => {
                    self.nodes.push(slot, Role::Drop, phase, Statement::Drop(other));
                }
            }
        }
        for (old, home) in along {
            let nodes = self.nodes.with(Slot::Old(home), &[Role::Drop]);
            self.nodes.alias(Slot::Old(old), &nodes);
        }
        Ok(())
    }

    /// Whether a schema is the spec's own, so that what is in it is nobody else's.
    fn is_own(&self, schema: &str) -> bool {
        self.from.find(IdRef::new(Kind::Schema, "", schema)).is_some()
    }

    /// Whether it is a reference to another table: that is locked when the reference goes, and goes itself in some order.
    fn holds_another(object: &Object) -> bool {
        let Object::Constraint(constraint) = object else { return false };
        matches!(&constraint.rule, Rule::ForeignKey(key) if key.target != constraint.table)
    }

    /// Whether it needs something that goes and that needs what it is a part of: it goes before both.
    fn stands_between(
        &self,
        needs: &NeedsOf<'_, Old>,
        going: &FxHashSet<OldPlace>,
        old: OldPlace,
        home: OldPlace,
    ) -> bool {
        let between = |need: OldPlace| {
            going.contains(&need)
                && needs.of(need).iter().any(|&(other, strength)| other == home && strength != Strength::Wish)
        };
        let is_policy = matches!(self.from.object(old), Some(Object::Policy(_)));
        is_policy && needs.of(old).into_iter().any(|(need, _)| need != home && between(need))
    }

    /// What the object is a part of: for an owned sequence its table.
    fn home(&self, needs: &NeedsOf<'_, Old>, old: OldPlace) -> Option<OldPlace> {
        match self.from.object(old) {
            Some(Object::Sequence(o)) => {
                let (table, _) = o.owned_by.as_ref()?;
                self.from.find(IdRef::table(table))
            }
            Some(Object::Table(o)) => {
                let (parent, _) = o.partition_of.as_ref()?;
                self.from.find(IdRef::table(parent))
            }
            _ => needs.home(old),
        }
    }

    /// Whether Postgres takes it together with a column that goes.
    fn goes_with_column(&self, object: &Object) -> bool {
        let Some(table) = object.table().or(match object {
            Object::Sequence(o) => o.owned_by.as_ref().map(|(table, _)| table),
            _ => None,
        }) else {
            return false;
        };
        let (Some(before), Some(after)) = (self.from.table(table), self.to.table(table)) else { return false };
        // A part has the columns of its whole.
        if after.partition_of.is_some() {
            return false;
        }
        let is_gone = |column: &&Column| {
            !after.columns.iter().any(|other| other.name == column.name)
                || self.swaps.moves(table, &column.name) && !self.swaps.keeps(table, &column.name)
        };
        let mut gone = before.columns.iter().filter(is_gone);
        // Postgres keeps a column from going that an exclusion reads within an expression.
        if let Object::Constraint(Constraint { rule: Rule::Exclude { elements, filter, .. }, .. }) = object {
            let in_expr = |expr: &SqlExpr| before.columns.iter().filter(is_gone).any(|column| expr.reads(&column.name));
            let in_element = |(key, _): &(IndexKey, SmolStr)| matches!(&key.on, KeyOn::Expr(expr) if in_expr(expr));
            if filter.as_ref().is_some_and(in_expr) || elements.iter().any(in_element) {
                return false;
            }
        }
        gone.any(|column| match object {
            // A reference locks the table that it leads to: it goes by itself, so that this is seen.
            Object::Constraint(o) => !matches!(o.rule, Rule::ForeignKey(_)) && constraint_reads(&o.rule, &column.name),
            Object::Index(o) => index_reads(o, &column.name),
            Object::Sequence(o) => o.owned_by.as_ref().is_some_and(|(_, own)| *own == column.name),
            _ => false,
        })
    }

    /// Whether an index of this table can be built concurrently: not of one that is partitioned.
    pub(crate) fn can_build_beside(&self, table: &specc_catalog::TableName) -> bool {
        match self.from.table(table) {
            Some(o) => {
                o.partition_by.is_none() && self.to.table(table).is_none_or(|after| after.partition_by.is_none())
            }
            // A materialized view.
            None => self.from.find(IdRef::new(Kind::View, &table.schema, &table.name)).is_some(),
        }
    }
}

/// Whether it is gone when what it is a part of is gone.
fn goes_along(object: &Object) -> bool {
    matches!(
        object,
        Object::Constraint(_)
            | Object::Index(_)
            | Object::Trigger(_)
            | Object::Policy(_)
            | Object::Grant(_)
            | Object::PublicationTable(_)
            | Object::Seed(_)
            | Object::Sequence(_)
    )
}
