//! What a statement changes in what is known.

use super::{Bound, Function, Held, Index, Known, Rule, State, Table, View, names};
use crate::locks::locks;
use crate::name::{Key, Name};
use crate::statement::{Action, Column, Constraint, CreateTable, Dropped, Kind, What};
use specc_diag::Span;

impl State {
    /// Follows a statement that begins at `at`.
    pub(crate) fn follow(&mut self, what: &What, at: Span) {
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
                if let Some(name) = &index.name {
                    let key = index.table.sibling(name.clone(), index.head).key(&self.path);
                    self.indexes.insert(key, Index { table: index.table.clone() });
                }
            }
            What::Drop(drop) => {
                for name in &drop.names {
                    let key = name.key(&self.path);
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
                table.policies.insert(policy.name.clone(), Rule { restrictive, command, words, at: span });
            }
            What::DropPolicy { name, table } => {
                self.entry(table).policies.remove(name);
            }
            What::Close { tables, roles }
                if ["anon", "authenticated"].iter().all(|role| roles.iter().any(|other| other == role)) =>
            {
                for table in tables {
                    self.entry(table).closed = true;
                }
            }
            What::Grant(grant) if grant.roles.iter().any(|role| role != "service_role") => {
                for table in &grant.tables {
                    self.entry(table).closed = false;
                }
            }
            What::Function { name, arguments, definer, pinned } => {
                let key = name.key(&self.path);
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
                let (key, at) = (name.key(&self.path), self.span(name.place));
                if !self.functions.iter().any(|function| function.key == key) {
                    let (name, key) = (name.clone(), key.clone());
                    self.functions.push(Function {
                        name,
                        key,
                        arguments: String::new(),
                        definer: false,
                        pinned: false,
                        at,
                    });
                }
                for function in self.functions.iter_mut().filter(|function| function.key == key) {
                    function.definer = definer.unwrap_or(function.definer);
                    function.pinned = pinned.unwrap_or(function.pinned);
                }
            }
            What::View(view) => self.view(view),
            What::AlterView { name, invoker } => {
                if let (Some(view), Some(invoker)) = (self.views.get_mut(&name.key(&self.path)), invoker) {
                    view.invoker = *invoker;
                    view.has_options |= *invoker;
                }
            }
            What::CreateEnum { name } => {
                self.types.insert(name.key(&self.path), self.tx);
            }
            What::CreateDomain { name, constrained: true } => {
                self.domains.insert(name.key(&self.path));
            }
            // of a type that the same transaction made, a label can be used at once
            What::AddValue { name, value } if self.types.get(&name.key(&self.path)) != Some(&self.tx) => {
                self.labels.push((value.clone(), at, self.tx));
            }
            What::Set { name, value } if name == "search_path" => {
                let first = value.iter().find(|part| *part != "$user" && *part != "pg_catalog");
                self.path = first.cloned().unwrap_or_else(|| "public".into());
            }
            What::Set { name, .. } if name == "lock_timeout" => self.lock_timeout = true,
            _ => {}
        }
    }

    /// What is known of a table; from now on, something is.
    fn entry(&mut self, name: &Name) -> &mut Table {
        let (key, schema) = (name.key(&self.path), name.in_schema(&self.path).to_string());
        self.tables.entry(key).or_insert_with(|| Table {
            name: name.clone(),
            schema,
            made: None,
            temporary: false,
            partitioned: false,
            materialized: false,
            default_partition: false,
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
        let (at, batch) = (self.span(new.name.place), self.batch);
        let table = self.entry(&new.name);
        table.made = Some((at, batch));
        table.temporary = new.temporary;
        table.partitioned = new.partitioned;
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
                let entry = self.entry(table);
                if let Some(known) = entry.columns.remove(from) {
                    entry.columns.insert(to.clone(), known);
                }
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
            Action::Rls(on) => self.entry(table).rls = Some((*on, at)),
            Action::Attach { default, .. } => {
                self.entry(table).default_partition |= default;
            }
            _ => {}
        }
    }

    fn moves(&mut self, table: &mut Name, to: Name) {
        if let Some(mut known) = self.tables.remove(&table.key(&self.path)) {
            known.schema = to.in_schema(&self.path).to_string();
            known.name = to.clone();
            self.tables.insert(to.key(&self.path), known);
        }
        *table = to;
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
        let key = view.name.key(&self.path);
        let lost = view.replace && !view.has_options && self.views.get(&key).is_some_and(|before| before.has_options);
        let new = View {
            name: view.name.clone(),
            schema: view.name.in_schema(&self.path).to_string(),
            invoker: view.invoker,
            has_options: view.has_options,
            lost,
            at: self.span(view.name.place),
        };
        self.views.insert(key, new);
    }
}

fn drop_key<T>(map: &mut std::collections::BTreeMap<Key, T>, key: &Key) {
    map.remove(key);
}
