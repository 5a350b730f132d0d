//! What a statement changes in what is known.

use super::{Bound, Domain, Function, Held, Index, Known, Label, Rule, State, Table, Trigger, View, names};
use crate::locks::locks;
use crate::name::{Key, Name};
use crate::script::Statement;
use crate::statement::{Action, Change, Column, Constraint, CreateTable, Dropped, Kind, Pin, What};
use specc_diag::Span;

impl State {
    /// Follows a statement that begins at `at`.
    pub(crate) fn follow(&mut self, statement: &Statement, at: Span) {
        let what = &statement.what;
        for (table, lock) in locks(what, self) {
            self.lock_timeout_missed |= lock.blocks_writes();
            if self.held.as_ref().is_none_or(|before| before.lock < lock) {
                self.held = Some(Held { table, lock, at });
            }
        }
        match what {
            What::CreateTable(table) => self.create_table(table),
            What::AlterTable(alter) => {
                let mut table = alter.table.clone();
                for (action, place) in &alter.actions {
                    let span = self.span(*place);
                    self.alter(&mut table, action, span);
                }
            }
            What::CreateIndex(index) => {
                // a space is in no name that is given by itself
                let name = index.name.clone().unwrap_or_else(|| format!("{} {}", index.table.name, index.head.0));
                let key = index.table.sibling(name, index.head).key(self.path());
                self.indexes.insert(key, Index { table: index.table.clone(), columns: index.columns.clone() });
            }
            What::Drop(drop) => {
                for name in &drop.names {
                    let key = name.key(self.path());
                    match drop.kind {
                        Dropped::Table => drop_key(&mut self.tables, &key),
                        Dropped::Index => drop_key(&mut self.indexes, &key),
                        Dropped::View => drop_key(&mut self.views, &key),
                        Dropped::MaterializedView => drop_key(&mut self.tables, &key),
                        Dropped::Function => self.functions.retain(|function| function.key != key),
                        _ => {}
                    }
                }
            }
            What::Policy(policy) => {
                let span = self.span(policy.table.place);
                let words =
                    [&policy.using, &policy.check].into_iter().flatten().flat_map(|c| c.words.clone()).collect();
                let table = self.entry(&policy.table);
                let before = table.policies.get(&policy.name).filter(|_| policy.altered);
                let restrictive = before.map_or(policy.restrictive, |before| before.restrictive);
                let command = match policy.altered {
                    true => before.and_then(|before| before.command.clone()),
                    false => Some(policy.command.clone()),
                };
                let roles = before.filter(|_| policy.roles.is_empty()).map(|before| before.roles.clone());
                let roles = roles.unwrap_or_else(|| policy.roles.clone());
                table.policies.insert(policy.name.clone(), Rule { restrictive, command, roles, words, at: span });
            }
            What::DropPolicy { name, table } => {
                self.entry(table).policies.remove(name);
            }
            What::Close { tables, all_in, roles }
                if ["anon", "authenticated"].iter().all(|role| roles.iter().any(|other| other == role)) =>
            {
                for table in tables {
                    self.entry(table).closed = true;
                }
                for table in self.tables.values_mut().filter(|table| all_in.contains(&table.schema)) {
                    table.closed = true;
                }
            }
            What::Grant(grant) if grant.roles.iter().any(|role| role != "service_role") => {
                for table in &grant.tables {
                    self.entry(table).closed = false;
                }
            }
            What::Function { name, arguments, definer, pinned } => {
                let key = name.key(self.path());
                self.functions.retain(|other| other.key != key || other.arguments != *arguments);
                self.functions.push(Function {
                    name: name.clone(),
                    key,
                    arguments: arguments.clone(),
                    definer: definer.is_some(),
                    pinned: *pinned,
                    at: self.span(definer.unwrap_or(name.place)),
                });
            }
            What::AlterFunction { name, definer, pinned } => {
                let (key, at) = (name.key(self.path()), self.span(name.place));
                if !self.functions.iter().any(|function| function.key == key) {
                    let (name, key) = (name.clone(), key.clone());
                    self.functions.push(Function {
                        name,
                        key,
                        arguments: String::new(),
                        definer: false,
                        pinned: Pin::None,
                        at,
                    });
                }
                for function in self.functions.iter_mut().filter(|function| function.key == key) {
                    function.definer = definer.unwrap_or(function.definer);
                    function.pinned = pinned.unwrap_or(function.pinned);
                }
            }
            What::View(view) => self.view(view),
            What::CreateEnum { name } => {
                self.types.insert(name.key(self.path()), self.tx);
            }
            What::CreateDomain { name, base, constrained } => {
                let domain = Domain { base: base.clone(), constrained: *constrained, batch: self.batch };
                self.domains.insert(name.key(self.path()), domain);
            }
            What::AlterDomain { name, scans: true } => {
                if let Some(domain) = self.domains.get_mut(&name.key(&self.session.now.path)) {
                    domain.constrained = true;
                }
            }
            // of a type that the same transaction made, a label can be used at once
            What::AddValue { name, value } if self.types.get(&name.key(self.path())) != Some(&self.tx) => {
                self.labels.push(Label { ty: name.clone(), value: value.clone(), at, tx: self.tx });
            }
            What::CreateSchema { name } => {
                self.schemas.insert(name.clone(), self.batch);
            }
            What::Trigger(trigger) => self.trigger(trigger),
            What::Rows(all) => {
                for rows in all.iter().filter(|rows| matches!(rows.kind, Change::Insert | Change::Merge)) {
                    self.fill(&rows.table, true);
                }
            }
            What::Truncate { tables, .. } => {
                for table in tables {
                    self.fill(table, false);
                }
            }
            What::Set(setting) if !setting.local || statement.in_transaction => self.session.set(setting),
            What::ResetAll => self.session.reset(),
            What::Begin => self.open = Some(at),
            What::Commit => self.open = None,
            What::Rollback => {
                self.open = None;
                self.session.roll_back();
            }
            _ => {}
        }
    }

    /// What is known of a table; from now on, something is.
    fn entry(&mut self, name: &Name) -> &mut Table {
        let (key, schema) = (name.key(self.path()), name.in_schema(self.path()).to_string());
        self.tables.entry(key).or_insert_with(|| Table {
            name: name.clone(),
            schema,
            made: None,
            temporary: false,
            partitioned: false,
            materialized: false,
            default_partition: false,
            foreign: false,
            filled: false,
            of: None,
            columns: Default::default(),
            constraints: Default::default(),
            rls: None,
            policies: Default::default(),
            closed: false,
        })
    }

    fn create_table(&mut self, new: &CreateTable) {
        // `if not exists` of one that these files made before makes nothing
        if self.table(&new.name).is_some_and(|table| table.made.is_some()) {
            return;
        }
        let (at, batch, path) = (self.span(new.name.place), self.batch, self.path().to_owned());
        let table = self.entry(&new.name);
        table.made = Some((at, batch));
        table.temporary = new.temporary;
        table.partitioned = new.partitioned;
        table.foreign = new.foreign;
        table.filled = new.filled.is_some();
        table.of = new.of.as_ref().map(|of| of.key(&path));
        for column in &new.columns {
            self.add_column(&new.name, column, true);
        }
        for constraint in &new.constraints {
            self.bind(&new.name, constraint, None, true);
        }
        if let Some((parent, true)) = &new.partition_of {
            self.entry(parent).default_partition = true;
        }
    }

    fn add_column(&mut self, table: &Name, column: &Column, fresh: bool) {
        let added = Some(self.batch);
        let known =
            Known { ty: column.ty.clone(), collation: column.collation.clone(), not_null: column.not_null, added };
        self.entry(table).columns.insert(column.name.clone(), known);
        for constraint in &column.constraints {
            self.bind(table, constraint, Some(&column.name), fresh);
        }
    }

    fn bind(&mut self, table: &Name, constraint: &Constraint, column: Option<&str>, fresh: bool) {
        let (at, tx) = (self.span(constraint.place), self.tx);
        let name = names::of(table, constraint, column);
        let entry = self.entry(table);
        match &constraint.kind {
            Kind::Primary { columns, .. } => {
                for column in columns {
                    entry.columns.entry(column.clone()).or_default().not_null = true;
                }
            }
            Kind::NotNull { column } if !constraint.not_valid => {
                entry.columns.entry(column.clone()).or_default().not_null = true;
            }
            _ => {}
        }
        let valid = fresh || !constraint.not_valid;
        entry.constraints.insert(name, Bound { constraint: constraint.clone(), valid, tx, at });
    }

    fn alter(&mut self, table: &mut Name, action: &Action, at: Span) {
        match action {
            Action::AddColumn(column) => self.add_column(table, column, false),
            Action::DropColumn { column, .. } => {
                self.entry(table).columns.remove(column);
            }
            Action::AddConstraint(constraint) => self.bind(table, constraint, None, false),
            Action::DropConstraint { name, .. } => {
                self.entry(table).constraints.remove(name);
            }
            Action::Validate { name } => {
                let entry = self.entry(table);
                let Some(bound) = entry.constraints.get_mut(name) else { return };
                bound.valid = true;
                if let Kind::NotNull { column } = &bound.constraint.kind {
                    entry.columns.entry(column.clone()).or_default().not_null = true;
                }
            }
            Action::SetType { column, ty, collation, .. } => {
                let known = self.entry(table).columns.entry(column.clone()).or_default();
                known.ty = ty.clone();
                known.collation = collation.clone();
            }
            Action::SetNotNull { column } => {
                self.entry(table).columns.entry(column.clone()).or_default().not_null = true;
            }
            Action::DropNotNull { column } => {
                self.entry(table).columns.entry(column.clone()).or_default().not_null = false;
            }
            Action::RenameColumn { from, to } => {
                let key = table.key(self.path());
                let path = self.path().to_owned();
                let entry = self.entry(table);
                if let Some(known) = entry.columns.remove(from) {
                    entry.columns.insert(to.clone(), known);
                }
                let rename = |column: &mut String| {
                    if column == from {
                        column.clone_from(to);
                    }
                };
                let bound = entry.constraints.values_mut().filter_map(|bound| bound.constraint.kind.columns_mut());
                bound.flatten().for_each(rename);
                let indexes = self.indexes.values_mut().filter(|index| index.table.key(&path) == key);
                indexes.filter_map(|index| index.columns.as_mut()).flatten().for_each(rename);
            }
            Action::RenameConstraint { from, to } => {
                let entry = self.entry(table);
                if let Some(bound) = entry.constraints.remove(from) {
                    entry.constraints.insert(to.clone(), bound);
                }
            }
            Action::RenameTable { to } => self.moves(table, table.sibling(to.clone(), table.place)),
            Action::SetSchema { to } => {
                let new = Name { schema: Some(to.clone()), ..table.clone() };
                self.moves(table, new);
            }
            Action::Invoker(on) => self.invoker(table, *on, at),
            Action::Rls(on) => self.entry(table).rls = Some((*on, at)),
            Action::Attach { default, .. } => {
                self.entry(table).default_partition |= default;
            }
            _ => {}
        }
    }

    fn moves(&mut self, table: &mut Name, to: Name) {
        let (from, new, schema) = (table.key(self.path()), to.key(self.path()), to.in_schema(self.path()).to_owned());
        if let Some(mut known) = self.tables.remove(&from) {
            known.schema = schema;
            known.name = to.clone();
            self.tables.insert(new, known);
        } else if let Some(mut view) = self.views.remove(&from) {
            view.schema = schema;
            view.name = to.clone();
            self.views.insert(new, view);
        }
        *table = to;
    }

    /// A view reads as who asks, or does not any more.
    fn invoker(&mut self, name: &Name, on: bool, at: Span) {
        let (key, schema) = (name.key(self.path()), name.in_schema(self.path()).to_owned());
        let view = self.views.entry(key).or_insert_with(|| View {
            name: name.clone(),
            schema,
            invoker: on,
            has_options: on,
            lost: false,
            batch: 0,
            at,
        });
        if view.invoker && !on {
            view.at = at;
        }
        view.invoker = on;
        view.has_options |= on;
    }

    fn fill(&mut self, table: &Name, filled: bool) {
        let key = table.key(self.path());
        if let Some(table) = self.tables.get_mut(&key) {
            table.filled = filled;
        }
    }

    fn trigger(&mut self, trigger: &crate::statement::Trigger) {
        let table = trigger.table.key(self.path());
        if trigger.dropped {
            let path = self.path().to_owned();
            self.triggers.retain(|other| other.name != trigger.name || other.table.key(&path) != table);
        } else if let Some(function) = &trigger.function {
            let function = function.key(self.path());
            self.triggers.push(Trigger { table: trigger.table.clone(), name: trigger.name.clone(), function });
        }
    }

    fn view(&mut self, view: &crate::statement::View) {
        if view.materialized {
            // it has rows of its own from the start, and indexes like a table
            let (at, batch) = (self.span(view.name.place), self.batch);
            let table = self.entry(&view.name);
            table.made = Some((at, batch));
            table.temporary = false;
            table.materialized = true;
            return;
        }
        if view.temporary {
            return;
        }
        let key = view.name.key(self.path());
        let lost = view.replace && !view.has_options && self.views.get(&key).is_some_and(|before| before.has_options);
        let new = View {
            name: view.name.clone(),
            schema: view.name.in_schema(self.path()).to_string(),
            invoker: view.invoker,
            has_options: view.has_options,
            lost,
            batch: self.batch,
            at: self.span(view.name.place),
        };
        self.views.insert(key, new);
    }
}

fn drop_key<T>(map: &mut std::collections::BTreeMap<Key, T>, key: &Key) {
    map.remove(key);
}
