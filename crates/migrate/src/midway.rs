//! The catalog in the middle of a change: the state before, and what the statements so far have made of it.

use crate::recreation::{constraint_reads, index_reads};
use smol_str::SmolStr;
use specc_catalog::{Catalog, Column, DataType, Entry, Kind, Object, ObjectId, Rls, Table, TableName};
use specc_diff::{Difference, Renamed};
use specc_sql::{Alter, Statement};
use std::collections::{BTreeMap, BTreeSet};

/// What there is after some of the statements. Things that stay have the names that they have after the change, since new
/// names are given first.
pub(crate) struct Midway<'d> {
    now: BTreeMap<ObjectId, Entry>,
    to: &'d Catalog,
    renamed: &'d [Renamed],
    /// Columns that were there before.
    known: BTreeSet<(ObjectId, SmolStr)>,
}

impl<'d> Midway<'d> {
    /// Before the first statement. `plan` has all statements of the change.
    pub fn new<'s>(difference: &'d Difference<'d>, plan: impl Iterator<Item = &'s Statement<'s>>) -> Self {
        let now = difference.from.iter().map(|(id, entry)| (id.clone(), entry.clone())).collect();
        let known = difference.from.iter().filter_map(|(id, entry)| match &entry.object {
            Object::Table(o) => Some(o.columns.iter().map(|column| (id.clone(), column.name.clone()))),
            _ => None,
        });
        let known = known.flatten().collect();
        let mut midway = Self { known, now, to: difference.to, renamed: &difference.renamed };
        // A view with another name may be made again: then it has its old name until it is dropped.
        for statement in plan {
            let Statement::Drop(object @ Object::View(_)) = statement else { continue };
            let id = object.id();
            if let Some(renamed) = midway.renamed.iter().find(|renamed| renamed.part.is_none() && renamed.id == id) {
                midway.call(&renamed.now, object);
            }
        }
        midway
    }

    /// Everything, as a catalog.
    pub fn catalog(&self) -> Catalog {
        let mut catalog = Catalog::new();
        self.now.values().for_each(|entry| drop(catalog.insert(entry.clone())));
        catalog
    }

    /// Whether it is there.
    pub fn has(&self, id: &ObjectId) -> bool {
        self.now.contains_key(id)
    }

    /// What has this id.
    pub fn object_of(&self, id: &ObjectId) -> Option<&Object> {
        self.now.get(id).map(|entry| &entry.object)
    }

    /// Whether a table has a column.
    pub fn has_column(&self, table: &TableName, column: &str) -> bool {
        matches!(self.object_of(&table.id()), Some(Object::Table(o))
            if o.columns.iter().any(|own| own.name == column))
    }

    /// Constraints that were not held against all rows.
    pub fn not_valid(&self) -> Vec<ObjectId> {
        let open = self.now.iter().filter(|(_, entry)| matches!(&entry.object, Object::Constraint(o) if o.not_valid));
        open.map(|(id, _)| id.clone()).collect()
    }

    /// Takes away, and names, defaults that are there for the time of the change only: they may need a sequence that goes.
    pub fn take_temporary_defaults(&mut self) -> Vec<(TableName, SmolStr)> {
        let mut all = Vec::new();
        for entry in self.now.values_mut() {
            let Object::Table(o) = &mut entry.object else { continue };
            let Some(Object::Table(then)) = self.to.get(&o.table.id()).map(|entry| &entry.object) else { continue };
            for column in o.columns.iter_mut().filter(|column| column.default.is_some()) {
                let wanted = then.columns.iter().find(|own| own.name == column.name);
                if wanted.is_some_and(|wanted| wanted.default.is_none())
                    && !self.known.contains(&(o.table.id(), column.name.clone()))
                {
                    column.default = None;
                    all.push((o.table.clone(), column.name.clone()));
                }
            }
        }
        all
    }

    /// Takes an object away, with what is a part of it.
    pub fn remove(&mut self, id: &ObjectId) {
        let Some(entry) = self.now.remove(id) else { return };
        match &entry.object {
            Object::Table(o) => self.remove_parts(&o.table),
            Object::View(o) => self.remove_parts(&o.view),
            _ => {}
        }
        self.now.retain(|_, entry| !matches!(&entry.object, Object::Grant(o) if o.on == *id));
    }

    fn remove_parts(&mut self, of: &TableName) {
        self.now.retain(|_, entry| match &entry.object {
            Object::Sequence(o) => o.owned_by.as_ref().is_none_or(|(table, _)| table != of),
            object => object.table() != Some(of),
        });
    }

    /// An object under another name, its parts with it.
    fn call(&mut self, id: &ObjectId, object: &Object) {
        let Some(mut entry) = self.now.remove(id) else { return };
        entry.object = object.clone();
        self.now.insert(object.id(), entry);
        let (Some(was), Some(now)) = (relation(id), relation(&object.id())) else { return };
        let follow = |name: &mut TableName| {
            if *name == was {
                name.clone_from(&now);
            }
        };
        for entry in self.now.values_mut() {
            match &mut entry.object {
                Object::Table(o) => {
                    o.partition_of.iter_mut().for_each(|(whole, _)| follow(whole));
                    o.inherits.iter_mut().for_each(follow);
                }
                Object::Constraint(o) => {
                    if let specc_catalog::Rule::ForeignKey(key) = &mut o.rule {
                        follow(&mut key.target);
                    }
                }
                _ => {}
            }
        }
        let parts: Vec<ObjectId> =
            self.now.iter().filter(|(_, entry)| entry.object.table() == Some(&was)).map(|(id, _)| id.clone()).collect();
        for part in parts {
            let Some(mut entry) = self.now.remove(&part) else { continue };
            match &mut entry.object {
                Object::Constraint(o) => o.table = now.clone(),
                Object::Index(o) => o.table = now.clone(),
                Object::Trigger(o) => o.table = now.clone(),
                Object::Policy(o) => o.table = now.clone(),
                Object::PublicationTable(o) => o.table = now.clone(),
                Object::Seed(o) => o.table = now.clone(),
                _ => {}
            }
            self.now.insert(entry.object.id(), entry);
        }
        let grants: Vec<ObjectId> = self
            .now
            .iter()
            .filter(|(_, entry)| matches!(&entry.object, Object::Grant(o) if o.on == *id))
            .map(|(id, _)| id.clone())
            .collect();
        for grant in grants {
            let Some(mut entry) = self.now.remove(&grant) else { continue };
            if let Object::Grant(o) = &mut entry.object {
                o.on = object.id();
            }
            self.now.insert(entry.object.id(), entry);
        }
    }

    /// Puts an object there, with what the new state records of it.
    fn put(&mut self, object: &Object) {
        let id = object.id();
        let mut entry = self.to.get(&id).cloned().unwrap_or_else(|| Entry::new(object.clone()));
        // A view is as the new state says it, in whatever words it was made.
        if id.kind != Kind::View || !self.to.contains(&id) {
            entry.object = object.clone();
        }
        entry.comment = None;
        entry.owner = None;
        self.now.insert(id, entry);
    }

    fn table(&mut self, name: &TableName) -> Option<&mut Table> {
        match self.now.get_mut(&name.id()).map(|entry| &mut entry.object) {
            Some(Object::Table(o)) => Some(o),
            _ => None,
        }
    }

    fn column(&mut self, table: &TableName, column: &str, change: impl FnOnce(&mut Column)) {
        if let Some(o) = self.table(table).and_then(|o| o.columns.iter_mut().find(|own| own.name == column)) {
            change(o);
        }
    }

    fn object(&mut self, id: &ObjectId, change: impl FnOnce(&mut Object)) {
        if let Some(entry) = self.now.get_mut(id) {
            change(&mut entry.object);
        }
    }

    /// What a role may do with an object is what the new state says of it.
    fn access(&mut self, on: &ObjectId, role: &str) {
        let of = |entry: &Entry| matches!(&entry.object, Object::Grant(o) if o.on == *on && o.to == role);
        self.now.retain(|_, entry| !of(entry));
        let granted = self.to.iter().filter(|(_, entry)| of(entry));
        self.now.extend(granted.map(|(id, entry)| (id.clone(), entry.clone())));
    }

    /// After one more statement.
    pub fn step(&mut self, statement: &Statement<'_>) {
        match statement {
            Statement::Create(object) | Statement::Replace(object) => {
                let said = self.now.get(&object.id()).map(|entry| (entry.comment.clone(), entry.owner.clone()));
                self.put(object);
                if let Some(entry) = self.now.get_mut(&object.id()) {
                    (entry.comment, entry.owner) = said.unwrap_or_default();
                }
            }
            Statement::CreateTable { table, constraints, .. } => {
                self.put(&Object::from((*table).clone()));
                constraints.iter().for_each(|constraint| self.put(&Object::from((*constraint).clone())));
            }
            Statement::CreateIndexConcurrently(index) => self.put(&Object::from((*index).clone())),
            Statement::Alter(alter) => self.alter(alter),
            Statement::Drop(object) | Statement::DropTemporary(object) => self.remove(&object.id()),
            Statement::DropTable(table) => self.remove(&table.table.id()),
            Statement::DropIndexConcurrently(index) => self.remove(&Object::from((*index).clone()).id()),
            Statement::SetRls { table, to, .. } => {
                let to: Rls = *to;
                if let Some(o) = self.table(table) {
                    o.rls = to;
                }
            }
            Statement::SetDefault { table, column, default } => {
                self.column(table, column, |own| own.default = default.cloned());
            }
            Statement::SetColumn { table, column, setting } => {
                self.column(table, &column.name, |own| setting.copy(column, own));
            }
            Statement::SetReplicaIdentity { table, identity } => {
                if let Some(o) = self.table(table) {
                    o.replica_identity = identity.map(SmolStr::from);
                }
            }
            Statement::OwnSequence(sequence) => self.own(sequence, true),
            Statement::DisownSequence(sequence) => self.own(sequence, false),
            Statement::Validate(constraint) => {
                self.object(&constraint.table.part(Kind::Constraint, constraint.name.clone()), |object| {
                    if let Object::Constraint(o) = object {
                        o.not_valid = false;
                    }
                });
            }
            Statement::Comment { on, text } => {
                if let Some(entry) = self.now.get_mut(&on.id()) {
                    entry.comment = text.map(SmolStr::from);
                }
            }
            Statement::SetOwner { of, owner, .. } => {
                if let Some(entry) = self.now.get_mut(&of.id()) {
                    entry.owner = owner.map(SmolStr::from);
                }
            }
            Statement::CommentColumn { table, column, text } => {
                self.column(table, column, |own| own.comment = text.map(SmolStr::from));
            }
            Statement::Grant(access) | Statement::Revoke(access) => {
                let on = access.on.id();
                access.roles.iter().for_each(|role| self.access(&on, role));
            }
            Statement::InsertSeed { seed, .. } | Statement::DeleteSeed(seed) => self.seeds(&seed.table),
            Statement::RunSql(sql) => self.put(&Object::from((*sql).clone())),
            Statement::RunDown(sql) => self.remove(&Object::from((*sql).clone()).id()),
            Statement::AdvanceSequence { .. } | Statement::Join(_) | Statement::TakeLocks(_) => {}
        }
    }

    fn own(&mut self, sequence: &specc_catalog::Sequence, owned: bool) {
        self.object(&Object::from(sequence.clone()).id(), |object| {
            if let Object::Sequence(o) = object {
                o.owned_by = sequence.owned_by.clone().filter(|_| owned);
            }
        });
    }

    /// Rows of a table come and go in one transaction.
    fn seeds(&mut self, table: &TableName) {
        let of = |entry: &Entry| matches!(&entry.object, Object::Seed(o) if o.table == *table);
        self.now.retain(|_, entry| !of(entry));
        let rows = self.to.iter().filter(|(_, entry)| of(entry));
        self.now.extend(rows.map(|(id, entry)| (id.clone(), entry.clone())));
    }

    fn alter(&mut self, alter: &Alter<'_>) {
        match alter {
            Alter::Rename { from, to } => self.rename(from, to),
            Alter::RenamePart { of, from, to, .. } => self.rename_part(of, from, to),
            Alter::AddColumn { table, column, .. } => {
                let column = (*column).clone();
                if let Some(o) = self.table(table) {
                    o.columns.push(column);
                }
            }
            Alter::DropColumn { table, column, .. } => self.drop_column(table, &column.name),
            Alter::SetType { table, to, .. } => self.column(table, &to.name, |own| {
                own.ty = to.ty.clone();
                own.collation.clone_from(&to.collation);
            }),
            Alter::SetNotNull { table, column, .. } => self.column(table, column, |own| own.nullable = false),
            Alter::DropNotNull { table, column } => self.column(table, column, |own| own.nullable = true),
            Alter::SetIdentity { table, column, to, .. } => {
                self.column(table, column, |own| own.identity = to.cloned().map(Box::new));
            }
            Alter::DropExpression { table, column } => self.column(table, &column.name, |own| own.generated = None),
            Alter::SetCompression { table, column } => {
                self.column(table, &column.name, |own| own.compression.clone_from(&column.compression));
            }
            Alter::SetOptions { of, to, .. } => self.object(&of.id(), |object| match object {
                Object::Table(o) => o.options = to.iter().cloned().collect(),
                Object::Index(o) => o.options = to.iter().cloned().collect(),
                _ => {}
            }),
            Alter::SetLogged { table, logged } => {
                if let Some(o) = self.table(table) {
                    o.unlogged = !logged;
                }
            }
            Alter::AddNotValid(constraint) => {
                let constraint = specc_catalog::Constraint { not_valid: true, ..(*constraint).clone() };
                self.put(&Object::from(constraint));
            }
            Alter::AddUsingIndex(constraint, index) => {
                self.now.remove(&ObjectId::new(Kind::Index, constraint.table.schema.clone(), *index));
                self.put(&Object::from((*constraint).clone()));
            }
            // What is counted in another way by now is counted again on the way back.
            Alter::Count { table, .. } => {
                let counts = self.to.get(&table.id()).map(|entry| entry.counts.clone()).unwrap_or_default();
                if let Some(entry) = self.now.get_mut(&table.id()) {
                    entry.counts = counts;
                }
            }
            Alter::AddLabel { ty, label, before } => {
                self.object(&Object::from((*ty).clone()).id(), |object| {
                    let Object::Enum(o) = object else { return };
                    let at = before.and_then(|before| o.labels.iter().position(|own| own == before));
                    o.labels.insert(at.unwrap_or(o.labels.len()), (*label).into());
                });
            }
            Alter::DropMoved { table, .. } => self.remove(&table.table.id()),
            Alter::Attach { partition } => {
                if let Some(o) = self.table(&partition.table) {
                    o.partition_of.clone_from(&partition.partition_of);
                }
            }
            Alter::Detach { partition } => {
                if let Some(o) = self.table(&partition.table) {
                    o.partition_of = None;
                }
            }
            Alter::Inherit { table, parent, inherits } => {
                if let Some(o) = self.table(table) {
                    o.inherits.retain(|own| own != *parent);
                    o.inherits.extend(inherits.then(|| (*parent).clone()));
                }
            }
            Alter::SetSequence { to, .. } => self.replace(&Object::from((*to).clone())),
            Alter::SetPolicy { to, .. } => self.replace(&Object::from((*to).clone())),
            Alter::SetRole { to, .. } => self.replace(&Object::from((*to).clone())),
            Alter::SetExtension { to, .. } => self.replace(&Object::from((*to).clone())),
            Alter::SetTrigger(trigger) => self.replace(&Object::from((*trigger).clone())),
            Alter::DomainDefault(domain)
            | Alter::DomainNull(domain, _)
            | Alter::DropDomainCheck(domain, _)
            | Alter::RenameDomainCheck { domain, .. }
            | Alter::AddDomainCheck(domain, ..)
            | Alter::ValidateDomainCheck(domain, ..) => self.domain(alter, domain),
            Alter::AddAttribute(ty, field) | Alter::SetAttribute(ty, field) => {
                self.object(&Object::from((*ty).clone()).id(), |object| {
                    let Object::Composite(o) = object else { return };
                    match o.fields.iter_mut().find(|own| own.0 == field.0) {
                        Some(own) => own.clone_from(field),
                        None => o.fields.push((*field).clone()),
                    }
                });
            }
            Alter::DropAttribute(ty, name) => self.object(&Object::from((*ty).clone()).id(), |object| {
                if let Object::Composite(o) = object {
                    o.fields.retain(|own| own.0 != *name);
                }
            }),
            Alter::SetSchema { from, to } => self.set_schema(from, to),
            Alter::CopySequence { .. }
            | Alter::RefuseLabels { .. }
            | Alter::Convert(_)
            | Alter::Backfill { .. }
            | Alter::FillTable(_)
            | Alter::InsertFrom(_)
            | Alter::Unfill { .. }
            | Alter::RefuseRows(_)
            | Alter::HandOver { .. }
            | Alter::NameRequired { .. }
            | Alter::MoveRows { .. }
            | Alter::ReturnRows { .. }
            | Alter::HoldRows { .. }
            | Alter::ReleaseRows { .. }
            | Alter::AwaitWriters(_) => {}
        }
    }

    fn replace(&mut self, object: &Object) {
        self.object(&object.id(), |own| own.clone_from(object));
    }

    fn domain(&mut self, alter: &Alter<'_>, domain: &specc_catalog::Domain) {
        self.object(&Object::from(domain.clone()).id(), |object| {
            let Object::Domain(o) = object else { return };
            match alter {
                Alter::DomainDefault(_) => o.default.clone_from(&domain.default),
                Alter::DomainNull(..) => o.nullable = domain.nullable,
                Alter::DropDomainCheck(_, name) => o.checks.retain(|own| own.0 != *name),
                Alter::RenameDomainCheck { from, to, .. } => {
                    o.checks.iter_mut().filter(|own| own.0 == *from).for_each(|own| own.0 = (*to).into());
                }
                Alter::AddDomainCheck(_, check, _) => o.checks.push((*check).clone()),
                _ => {}
            }
        });
    }

    fn drop_column(&mut self, table: &TableName, column: &str) {
        if let Some(o) = self.table(table) {
            o.columns.retain(|own| own.name != column);
        }
        let id = table.id();
        self.now.retain(|_, entry| match &mut entry.object {
            Object::Constraint(o) if o.table == *table => !constraint_reads(&o.rule, column),
            Object::Index(o) if o.table == *table => !index_reads(o, column),
            Object::Sequence(o) => o.owned_by.as_ref().is_none_or(|(of, own)| of != table || own != column),
            Object::Grant(o) if o.on == id => {
                o.privileges.retain_mut(|privilege| {
                    let of_columns = !privilege.columns.is_empty();
                    privilege.columns.retain(|own| own != column);
                    !of_columns || !privilege.columns.is_empty()
                });
                !o.privileges.is_empty()
            }
            _ => true,
        });
    }

    /// Another name that no author asked for.
    fn rename(&mut self, from: &Object, to: &str) {
        let was = from.id();
        if self.renamed.iter().any(|renamed| renamed.part.is_none() && renamed.id == was) || !self.has(&was) {
            return;
        }
        let Some(mut object) = self.now.get(&was).map(|entry| entry.object.clone()) else { return };
        match &mut object {
            Object::Table(o) => o.table.name = to.into(),
            Object::View(o) => o.view.name = to.into(),
            Object::Index(o) => o.name = to.into(),
            Object::Constraint(o) => o.name = to.into(),
            Object::Trigger(o) => o.name = to.into(),
            Object::Policy(o) => o.name = to.into(),
            Object::Sequence(o) => o.name = to.into(),
            Object::Enum(o) => o.name = to.into(),
            Object::Domain(o) => o.name = to.into(),
            Object::Composite(o) => o.name = to.into(),
            _ => return,
        }
        let id = object.id();
        self.call(&was, &object);
        // What has come to its own name is as the new state has it.
        if let Some(entry) = self.to.get(&id) {
            let known = self.now.insert(id.clone(), entry.clone());
            if let (Some(Object::Constraint(old)), Some(Object::Constraint(new))) =
                (known.map(|entry| entry.object), self.now.get_mut(&id).map(|entry| &mut entry.object))
            {
                new.not_valid = old.not_valid;
            }
            let grants = self.to.iter().filter(|(_, entry)| matches!(&entry.object, Object::Grant(o) if o.on == id));
            self.now.extend(grants.map(|(id, entry)| (id.clone(), entry.clone())));
        }
        if matches!(id.kind, Kind::Enum | Kind::Domain | Kind::Composite) {
            let call = |ty: &mut DataType| {
                if ty.schema == was.schema && ty.name == was.name {
                    ty.name = id.name.clone();
                }
            };
            for entry in self.now.values_mut() {
                match &mut entry.object {
                    Object::Table(o) => o.columns.iter_mut().for_each(|column| call(&mut column.ty)),
                    Object::Domain(o) => call(&mut o.base),
                    Object::Composite(o) => o.fields.iter_mut().for_each(|field| call(&mut field.1)),
                    _ => {}
                }
            }
        }
    }

    /// A table that stood aside takes its place, and all that refers to it refers to it there.
    fn set_schema(&mut self, from: &Object, to: &str) {
        let was = from.id();
        let Some(Object::Table(o)) = self.object_of(&was) else { return };
        if self.renamed.iter().any(|renamed| renamed.part.is_none() && renamed.id == was) {
            return;
        }
        let table = TableName::new(to, o.table.name.clone());
        let object = Object::from(Table { table, ..(**o).clone() });
        self.call(&was, &object);
    }

    fn rename_part(&mut self, of: &ObjectId, from: &str, to: &str) {
        let asked = |renamed: &Renamed| {
            renamed.id == *of && renamed.part.as_ref().is_some_and(|(was, now)| was == from && now == to)
        };
        if self.renamed.iter().any(asked) {
            return;
        }
        let wanted = self.to.get(of).and_then(|entry| match &entry.object {
            Object::Table(o) => o.columns.iter().find(|column| column.name == to).cloned(),
            _ => None,
        });
        let Some(table) = relation(of) else { return };
        self.column(&table, from, |own| {
            own.name = to.into();
            if let Some(wanted) = wanted {
                own.comment = wanted.comment;
            }
        });
        let call =
            |names: &mut Vec<SmolStr>| names.iter_mut().filter(|own| *own == from).for_each(|own| *own = to.into());
        for entry in self.now.values_mut() {
            if let Object::Sequence(o) = &mut entry.object
                && let Some((own, column)) = &mut o.owned_by
                && *own == table
                && column == from
            {
                *column = to.into();
            }
            if let Object::Constraint(o) = &mut entry.object
                && o.table == table
                && let specc_catalog::Rule::ForeignKey(key) = &mut o.rule
            {
                call(&mut key.columns);
            }
        }
    }
}

/// The name of a table or view.
fn relation(id: &ObjectId) -> Option<TableName> {
    matches!(id.kind, Kind::Table | Kind::View).then(|| TableName::new(id.schema.clone(), id.name.clone()))
}
