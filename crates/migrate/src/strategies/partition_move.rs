//! Tables that become a part or an heir of another one, or stop being that.

use crate::action_graph::{Role, Slot};
use crate::place::{New, NewPlace, NodeId, OldPlace, Planned, State};
use crate::planner::Builder;
use crate::schedule::Phase;
use smol_str::SmolStr;
use specc_catalog::{Catalog, Column, Constraint, Index, KeyOn, Object, Rule, Table, TableName};
use specc_sql::{Alter, Statement};

/// A table of the catalog.
fn find<'c>(catalog: &'c Catalog, name: &TableName) -> Option<&'c Table> {
    match catalog.get(&name.id()).map(|entry| &entry.object) {
        Some(Object::Table(table)) => Some(table),
        _ => None,
    }
}

/// What a table is a part or an heir of.
fn parents(table: &Table) -> impl Iterator<Item = &TableName> {
    table.partition_of.iter().map(|(parent, _)| parent).chain(&table.inherits)
}

/// All columns that it has from others.
fn given(catalog: &Catalog, table: &Table, only: &dyn Fn(&TableName) -> bool) -> Vec<Column> {
    let mut all: Vec<Column> = Vec::new();
    for parent in parents(table).filter(|parent| only(parent)).filter_map(|parent| find(catalog, parent)) {
        let above = given(catalog, parent, &|_| true);
        for column in above.into_iter().chain(parent.columns.iter().cloned()) {
            if !all.iter().any(|other| other.name == column.name) {
                all.push(column);
            }
        }
    }
    all
}

/// Whether a table can leave its parents and come to others where it is: a column or check that it had before would stay
/// its own, so it must be its own in the end, too.
pub(crate) fn can_move(to: State<'_, New>, a: &Table, b: &Table) -> bool {
    let stays = a.inherits.iter().filter(|parent| b.inherits.contains(parent));
    let kept: Vec<&TableName> = b.inherits.iter().filter(|parent| a.inherits.contains(parent)).collect();
    // Postgres adds a parent after those that there are.
    if !stays.eq(kept.iter().copied()) || !b.inherits.iter().take(kept.len()).eq(kept.iter().copied()) {
        return false;
    }
    let new = |parent: &TableName| !a.inherits.contains(parent);
    let own = |column: &Column| b.columns.iter().any(|other| other.name == column.name);
    let mut checks = b.inherits.iter().filter(|parent| new(parent)).flat_map(|parent| checks(to.catalog, parent));
    let own_check = |check: &Constraint| {
        to.iter().any(|(_, e)| matches!(&e.object, Object::Constraint(o) if twin(o, &b.table, check)))
    };
    given(to.catalog, b, &new).iter().all(own) && checks.all(own_check)
}

/// The checks of a table that its heirs have too.
fn checks<'c>(catalog: &'c Catalog, table: &TableName) -> Vec<&'c Constraint> {
    let all = catalog.iter().filter_map(|(_, entry)| match &entry.object {
        Object::Constraint(o) if o.table == *table => Some(o),
        _ => None,
    });
    all.filter(|o| matches!(o.rule, Rule::Check { no_inherit: false, .. })).collect()
}

/// Whether it is the same constraint of another table. Of checks and references the names count, too.
fn twin(own: &Constraint, table: &TableName, other: &Constraint) -> bool {
    own.table == *table
        && (own.name == other.name || !matches!(own.rule, Rule::Check { .. } | Rule::ForeignKey(_)))
        && own.rule == other.rule
        && own.deferrable == other.deferrable
        && own.initially_deferred == other.initially_deferred
}

/// Whether it is the same index of another table.
fn same_index(a: &Index, b: &Index) -> bool {
    Index { name: b.name.clone(), table: b.table.clone(), options: b.options.clone(), ..a.clone() } == *b
}

/// Whether a divided table cannot stay: what divides it changes its type, or goes.
pub(crate) fn key_changes(a: &Table, b: &Table) -> bool {
    let Some(by) = &a.partition_by else { return false };
    let changes = |name: &SmolStr| {
        let find = |table: &Table| table.columns.iter().find(|column| column.name == *name).map(|c| c.ty.clone());
        find(a) != find(b)
    };
    by.keys.iter().any(|key| match &key.on {
        KeyOn::Column(name) => changes(name),
        KeyOn::Expr(expr) => expr.columns.iter().any(changes),
    })
}

impl<'d> Builder<'d, '_> {
    /// Whether the constraint or index comes from the parent of a table that becomes or was its part: Postgres takes what
    /// is there, and leaves it there.
    pub(crate) fn belongs_to_parent(&self, own: &Object, parent_in: &Catalog, table_in: &Catalog) -> bool {
        let Some(name) = own.table() else { return false };
        let Some((parent, _)) = find(parent_in, name).and_then(|table| table.partition_of.as_ref()) else {
            return false;
        };
        if find(table_in, name).is_none_or(|table| table.partition_of.is_some()) {
            return false;
        }
        parent_in.iter().any(|(_, entry)| match (&entry.object, own) {
            (Object::Constraint(a), Object::Constraint(b)) => twin(a, parent, b),
            (Object::Index(a), Object::Index(b)) => a.table == *parent && same_index(a, b),
            _ => false,
        })
    }

    /// From some parents to others.
    pub(crate) fn change_parents(&mut self, old: OldPlace, new: NewPlace, from: &'d Table, to: &'d Table) -> Planned {
        let slot = Slot::New(new);
        let stays = |table: &Table, parent: &TableName| parents(table).any(|other| other == parent);
        let plain = |catalog: &Catalog, table: &'d Table, other: &Table| {
            let mut columns = given(catalog, table, &|parent| !stays(other, parent));
            columns.retain(|column| !table.columns.iter().any(|own| own.name == column.name));
            columns.extend(table.columns.iter().cloned());
            let inherits = table.inherits.iter().filter(|parent| stays(other, parent)).cloned().collect();
            Table { columns, inherits, partition_of: None, ..table.clone() }
        };
        let (before, after) = (plain(self.from.catalog, from, to), plain(self.to.catalog, to, from));
        let (before, after) = (self.arena.table(before), self.arena.table(after));
        let mut leave = Vec::new();
        if let Some((parent, _)) = &from.partition_of {
            let change = Statement::Alter(Alter::Detach { partition: from });
            let node = self.nodes.push(slot, Role::Change, Phase::Main, change);
            self.leave_behind(node, parent, to);
            leave.push(node);
        }
        for parent in from.inherits.iter().filter(|parent| !stays(to, parent)) {
            let change = Statement::Alter(Alter::Inherit { table: &to.table, parent, inherits: false });
            let node = self.nodes.push(slot, Role::Change, Phase::Main, change);
            self.leave_behind(node, parent, to);
            leave.push(node);
        }
        let start = self.nodes.len();
        self.columns(old, new, before, after);
        let mut between: Vec<NodeId> = self.nodes.ids().skip(start).collect();
        let mut come = Vec::new();
        if let Some((parent, _)) = &to.partition_of {
            for check in checks(self.to.catalog, parent) {
                let has = |o: &Object| matches!(o, Object::Constraint(o) if twin(o, &to.table, check));
                if !self.from.iter().any(|(_, entry)| has(&entry.object)) {
                    let own = self.arena.object(Constraint { table: to.table.clone(), ..check.clone() });
                    between.push(self.nodes.push(slot, Role::Make, Phase::Main, Statement::Create(own)));
                }
            }
            let change = Statement::Alter(Alter::Attach { partition: to });
            come.push(self.nodes.push(slot, Role::Make, Phase::Main, change));
        }
        for parent in to.inherits.iter().filter(|parent| !stays(from, parent)) {
            let change = Statement::Alter(Alter::Inherit { table: &to.table, parent, inherits: true });
            let node = self.nodes.push(slot, Role::After, Phase::Main, change);
            come.last().iter().for_each(|&&last| self.nodes.edge(last, node));
            come.push(node);
            // Its checks have to be there.
            for (place, _, entry) in self.to.places() {
                if matches!(&entry.object, Object::Constraint(o) if o.table == to.table) {
                    let made = self.nodes.with(place, &[Role::Make]);
                    made.into_iter().for_each(|made| self.nodes.edge(made, node));
                }
            }
        }
        for &first in &leave {
            between.iter().chain(&come).for_each(|&node| self.nodes.edge(first, node));
        }
        for &last in &come {
            between.iter().for_each(|&node| self.nodes.edge(node, last));
        }
        Ok(())
    }

    /// Checks and references that a table keeps of a parent that it has left, and is not to have.
    fn leave_behind(&mut self, left: NodeId, parent: &TableName, to: &'d Table) {
        let divided = find(self.from.catalog, parent).is_some_and(|parent| parent.partition_by.is_some());
        let references = self.from.iter().filter_map(|(_, entry)| match &entry.object {
            Object::Constraint(o) if o.table == *parent && matches!(o.rule, Rule::ForeignKey(_)) => Some(o),
            _ => None,
        });
        let given: Vec<&Constraint> =
            checks(self.from.catalog, parent).into_iter().chain(references.filter(|_| divided)).collect();
        for constraint in given {
            let kept =
                |o: &Object| matches!(o, Object::Constraint(o) if o.table == to.table && o.name == constraint.name);
            if !self.to.iter().any(|(_, entry)| kept(&entry.object)) {
                let own = self.arena.object(Constraint { table: to.table.clone(), ..constraint.clone() });
                self.nodes.then(left, Role::Change, Phase::Main, Statement::Drop(own));
            }
        }
    }

    /// A part of a table comes when those are gone whose rows it takes; what refers to the whole is gone before a part.
    pub(crate) fn parts_in_order(&mut self) {
        let (mut going, mut coming, mut references) = (Vec::new(), Vec::new(), Vec::new());
        for (node, entry) in self.nodes.iter() {
            match &entry.statement {
                Statement::DropTemporary(Object::Table(o)) => {
                    going.extend(o.partition_of.iter().map(|(parent, _)| (parent.clone(), node, true)));
                }
                Statement::DropTable(o) | Statement::Alter(Alter::Detach { partition: o }) => {
                    let drops = matches!(entry.statement, Statement::DropTable(_));
                    going.extend(o.partition_of.iter().map(|(parent, _)| (parent.clone(), node, drops)));
                }
                Statement::CreateTable { table: o, .. } | Statement::Alter(Alter::Attach { partition: o }) => {
                    coming.extend(o.partition_of.iter().map(|(parent, _)| (parent.clone(), node)));
                }
                Statement::Drop(Object::Constraint(o)) => {
                    if let Rule::ForeignKey(key) = &o.rule {
                        references.push((key.target.clone(), node));
                    }
                }
                _ => {}
            }
        }
        for (parent, gone, drops) in &going {
            for (_, node) in coming.iter().filter(|(other, _)| other == parent) {
                self.nodes.soft(*gone, *node);
            }
            let mut above = Some(parent.clone());
            while let Some(whole) = above {
                for (_, node) in references.iter().filter(|(target, _)| *target == whole) {
                    match drops {
                        true => self.nodes.edge(*node, *gone),
                        false => self.nodes.soft(*node, *gone),
                    }
                }
                above = self.from.table(&whole).and_then(|o| o.partition_of.as_ref().map(|of| of.0.clone()));
            }
        }
    }

    /// Who leaves a parent does so before that changes, and who comes to it comes then.
    pub(crate) fn around_parents(&mut self) {
        let (mut leaving, mut coming) = (Vec::new(), Vec::new());
        for (node, entry) in self.nodes.iter() {
            match &entry.statement {
                Statement::Alter(Alter::Detach { partition }) => {
                    leaving.extend(partition.partition_of.iter().map(|(parent, _)| (parent.clone(), node)));
                }
                Statement::Alter(Alter::Attach { partition }) => {
                    coming.extend(partition.partition_of.iter().map(|(parent, _)| (parent.clone(), node)));
                }
                Statement::Alter(Alter::Inherit { parent, inherits, .. }) => {
                    let all = if *inherits { &mut coming } else { &mut leaving };
                    all.push(((*parent).clone(), node));
                }
                _ => {}
            }
        }
        if leaving.is_empty() && coming.is_empty() {
            return;
        }
        for node in self.nodes.ids() {
            let entry = &self.nodes[node];
            let membership = matches!(
                entry.statement,
                Statement::Alter(Alter::Attach { .. } | Alter::Detach { .. } | Alter::Inherit { .. })
                    | Statement::DropTable(_)
                    | Statement::CreateTable { .. }
            );
            let Some(table) = entry.statement.table().filter(|_| !membership && entry.phase <= Phase::Main) else {
                continue;
            };
            let of = |all: &[(TableName, NodeId)]| -> Vec<NodeId> {
                all.iter().filter(|(parent, _)| parent == table).map(|pair| pair.1).collect()
            };
            let (first, last) = (of(&leaving), of(&coming));
            first.into_iter().for_each(|first| self.nodes.soft(first, node));
            last.into_iter().for_each(|last| self.nodes.soft(node, last));
        }
    }

    /// Whether a reference leads to a table that this one is a part of: it holds each part.
    pub(crate) fn is_held(&self, table: &Table) -> bool {
        let mut above = table.partition_of.as_ref().map(|of| of.0.clone());
        while let Some(whole) = above {
            let leads = |o: &Constraint| matches!(&o.rule, Rule::ForeignKey(key) if key.target == whole);
            if self.from.iter().any(|(_, entry)| matches!(&entry.object, Object::Constraint(o) if leads(o))) {
                return true;
            }
            above = self.from.table(&whole).and_then(|o| o.partition_of.as_ref().map(|of| of.0.clone()));
        }
        false
    }

    /// Sequences of a table that is made again stay, with where they stand.
    pub(crate) fn keep_sequences(&mut self, old: OldPlace, new: NewPlace) -> Planned {
        let Some(Object::Table(table)) = self.to.object(new) else { return Ok(()) };
        for (place, id, entry) in self.to.places() {
            let Object::Sequence(o) = &entry.object else { continue };
            if o.owned_by.as_ref().is_none_or(|(owner, _)| *owner != table.table) || !self.from.contains(id) {
                continue;
            }
            let slot = Slot::New(place);
            let phase = self.moves.phase(old);
            let free = self.nodes.push(slot, Role::After, phase, Statement::DisownSequence(o));
            for gone in self.nodes.with(Slot::Old(old), &[Role::Drop]) {
                self.nodes.edge(free, gone);
            }
            let tie = self.nodes.then(free, Role::After, phase, Statement::OwnSequence(o));
            for made in self.nodes.with(Slot::New(new), &[Role::Make]) {
                self.nodes.edge(made, tie);
            }
        }
        Ok(())
    }
}
