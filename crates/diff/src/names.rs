//! Giving a catalog new names: every place in which one can stand.

use crate::words::{self, Words};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{
    Body, Catalog, Column, DataType, Entry, IndexKey, KeyOn, Kind, Object, ObjectId, Qualified, Returns, Rule, SqlExpr,
    TableName,
};
use std::collections::BTreeMap;

/// Everything that has another name, by what it was called.
#[derive(Default)]
pub(crate) struct Names {
    pub schemas: FxHashMap<SmolStr, SmolStr>,
    pub roles: FxHashMap<SmolStr, SmolStr>,
    /// Tables, views, sequences, types and indexes, in their old schema: one namespace is enough, since a table is a
    /// type too. To their new schema and name.
    pub others: FxHashMap<(Kind, SmolStr, SmolStr), (SmolStr, SmolStr)>,
    /// By table as it was called.
    pub columns: FxHashMap<TableName, FxHashMap<SmolStr, SmolStr>>,
    pub labels: FxHashMap<(SmolStr, SmolStr), BTreeMap<SmolStr, SmolStr>>,
    /// Every name that changed.
    pub words: Words,
    /// Those of them that stand with their schema, and for one thing only: a function can be called like a table.
    qualified: Words,
}

impl Names {
    pub fn add(&mut self, was: &ObjectId, now: &ObjectId) {
        match was.kind {
            Kind::Schema => {
                self.schemas.insert(was.name.clone(), now.name.clone());
            }
            Kind::Role => {
                self.roles.insert(was.name.clone(), now.name.clone());
            }
            kind => {
                let (old, new) = ((was.schema.clone(), was.name.clone()), (now.schema.clone(), now.name.clone()));
                self.words.moved.insert(old.clone(), new.clone());
                if kind != Kind::Function {
                    self.qualified.moved.insert(old.clone(), new.clone());
                }
                self.others.insert((kind, old.0, old.1), new);
            }
        }
        if was.name != now.name {
            self.word(&was.name, &now.name);
        }
    }

    pub fn add_part(&mut self, object: &ObjectId, was: &SmolStr, now: &SmolStr) {
        if object.kind == Kind::Enum {
            let labels = self.labels.entry((object.schema.clone(), object.name.clone())).or_default();
            labels.insert(was.clone(), now.clone());
            return;
        }
        let table = TableName::new(object.schema.clone(), object.name.clone());
        self.columns.entry(table).or_default().insert(was.clone(), now.clone());
        self.word(was, now);
    }

    fn word(&mut self, was: &SmolStr, now: &SmolStr) {
        let slot = self.words.names.entry(was.clone()).or_insert_with(|| Some(now.clone()));
        if slot.as_ref() != Some(now) {
            *slot = None;
        }
    }

    /// The id with its schema as it was called.
    pub fn old_parents(&self, id: &ObjectId) -> ObjectId {
        let old = self.schemas.iter().find(|(_, now)| **now == id.schema).map(|(was, _)| was.clone());
        ObjectId { schema: old.unwrap_or_else(|| id.schema.clone()), ..id.clone() }
    }

    /// The id as it was called.
    pub fn old(&self, original: &ObjectId) -> ObjectId {
        let mut id = self.old_parents(original);
        let was = self.others.iter().find(|((kind, ..), (schema, name))| {
            *kind == original.kind && *schema == original.schema && *name == original.name
        });
        if let Some(((_, schema, name), _)) = was {
            (id.schema, id.name) = (schema.clone(), name.clone());
        }
        id
    }

    /// The objects whose text may have a name that changed: what is renamed or has a part that is, what is a part of it,
    /// and what depends on it.
    pub fn involved(&self, from: &Catalog) -> FxHashSet<ObjectId> {
        let touched = |id: &ObjectId| {
            let table = TableName::new(id.schema.clone(), id.name.clone());
            self.schemas.contains_key(&id.schema)
                || self.others.contains_key(&(id.kind, id.schema.clone(), id.name.clone()))
                || self.columns.contains_key(&table)
        };
        let is = |id: &ObjectId, entry: &Entry| {
            touched(id)
                || entry.object.table().is_some_and(|table| touched(&table.id()))
                || entry.dependencies().iter().any(|dependency| touched(&dependency.on))
        };
        from.iter().filter(|(id, entry)| is(id, entry)).map(|(id, _)| id.clone()).collect()
    }

    pub fn schema(&self, schema: &mut SmolStr) {
        if let Some(now) = self.schemas.get(schema) {
            *schema = now.clone();
        }
    }

    fn role(&self, role: &mut SmolStr) {
        if let Some(now) = self.roles.get(role) {
            *role = now.clone();
        }
    }

    fn named(&self, kinds: &[Kind], schema: &mut SmolStr, name: &mut SmolStr) {
        let key = |kind: &Kind| (*kind, schema.clone(), name.clone());
        match kinds.iter().find_map(|kind| self.others.get(&key(kind))) {
            Some((home, now)) => (*schema, *name) = (home.clone(), now.clone()),
            None => self.schema(schema),
        }
    }

    pub fn table(&self, table: &mut TableName) {
        self.named(&[Kind::Table, Kind::View], &mut table.schema, &mut table.name);
    }

    fn ty(&self, ty: &mut DataType) {
        const TYPES: [Kind; 5] = [Kind::Enum, Kind::Domain, Kind::Composite, Kind::Table, Kind::View];
        if !ty.schema.is_empty() {
            self.named(&TYPES, &mut ty.schema, &mut ty.name);
        }
    }

    pub fn column(&self, table: &TableName, column: &mut SmolStr) {
        if let Some(now) = self.columns.get(table).and_then(|columns| columns.get(column)) {
            *column = now.clone();
        }
    }

    fn all(&self, table: &TableName, columns: &mut [SmolStr]) {
        columns.iter_mut().for_each(|column| self.column(table, column));
    }

    fn expr(&self, table: Option<&TableName>, expr: &mut SqlExpr) {
        if let Some(table) = table {
            self.all(table, &mut expr.columns);
            expr.columns.sort_unstable();
        }
        if let std::borrow::Cow::Owned(text) = words::replace(&expr.text, &self.words) {
            expr.text = text.into();
        }
    }

    fn query(&self, text: &mut SmolStr) {
        if let std::borrow::Cow::Owned(new) = words::replace(text, &self.qualified) {
            *text = new.into();
        }
    }

    fn id(&self, id: &mut ObjectId) {
        match id.kind {
            Kind::Schema => self.schema(&mut id.name),
            Kind::Role => self.role(&mut id.name),
            Kind::Constraint | Kind::Trigger | Kind::Policy | Kind::PublicationTable | Kind::Seed => {
                self.named(&[Kind::Table, Kind::View], &mut id.schema, &mut id.name);
            }
            kind => self.named(&[kind], &mut id.schema, &mut id.name),
        }
    }

    fn keys(&self, table: &TableName, keys: &mut [IndexKey], text: bool) {
        for key in keys {
            match &mut key.on {
                KeyOn::Column(column) => self.column(table, column),
                KeyOn::Expr(expr) if text => self.expr(Some(table), expr),
                KeyOn::Expr(_) => {}
            }
            if let Some(class) = &mut key.opclass {
                self.schema(&mut class.schema);
            }
        }
    }

    fn function(&self, function: &mut Qualified) {
        self.named(&[Kind::Function], &mut function.schema, &mut function.name);
    }

    /// Gives everything in an entry its new name. The texts of bodies stay as they are: Postgres keeps the text of a
    /// function. Queries that Postgres has read follow what they name, but a view goes on to call its own columns as before.
    pub fn entry(&self, entry: &mut Entry, text: bool) {
        for dependency in &mut entry.depends {
            self.id(&mut dependency.on);
        }
        let optional = |table: &TableName, expr: Option<&mut SqlExpr>| {
            if let Some(expr) = expr.filter(|_| text) {
                self.expr(Some(table), expr);
            }
        };
        match &mut entry.object {
            Object::Schema(o) => self.schema(&mut o.name),
            Object::Role(o) => {
                self.role(&mut o.name);
                o.member_of.iter_mut().for_each(|role| self.role(role));
                o.member_of.sort_unstable();
            }
            Object::Extension(o) => self.schema(&mut o.schema),
            Object::Enum(o) => {
                if let Some(labels) = self.labels.get(&(o.schema.clone(), o.name.clone())) {
                    for label in &mut o.labels {
                        if let Some(now) = labels.get(label) {
                            *label = now.clone();
                        }
                    }
                }
                self.named(&[Kind::Enum], &mut o.schema, &mut o.name);
            }
            Object::Domain(o) => {
                self.named(&[Kind::Domain], &mut o.schema, &mut o.name);
                self.ty(&mut o.base);
            }
            Object::Composite(o) => {
                let own = TableName::new(o.schema.clone(), o.name.clone());
                for (name, ty, _) in &mut o.fields {
                    self.column(&own, name);
                    self.ty(ty);
                }
                self.named(&[Kind::Composite], &mut o.schema, &mut o.name);
            }
            Object::Sequence(o) => {
                self.named(&[Kind::Sequence], &mut o.schema, &mut o.name);
                if let Some((table, column)) = &mut o.owned_by {
                    self.column(table, column);
                    self.table(table);
                }
            }
            Object::Table(o) => {
                let own = o.table.clone();
                for column in &mut o.columns {
                    self.table_column(&own, column, text);
                }
                if let Some(by) = &mut o.partition_by {
                    self.keys(&own, &mut by.keys, text);
                }
                if let Some((parent, _)) = &mut o.partition_of {
                    self.table(parent);
                }
                self.table(&mut o.table);
            }
            Object::Constraint(o) => {
                let own = o.table.clone();
                match &mut o.rule {
                    Rule::PrimaryKey { columns, include } | Rule::Unique { columns, include, .. } => {
                        self.all(&own, columns);
                        self.all(&own, include);
                    }
                    Rule::Check { expr, .. } => optional(&own, Some(expr)),
                    Rule::ForeignKey(key) => {
                        self.all(&own, &mut key.columns);
                        self.all(&own, &mut key.on_delete_columns);
                        self.all(&key.target, &mut key.target_columns);
                        self.table(&mut key.target);
                    }
                    Rule::Exclude { elements, filter, .. } => {
                        for (key, _) in elements {
                            self.keys(&own, std::slice::from_mut(key), text);
                        }
                        optional(&own, filter.as_mut());
                    }
                }
                self.table(&mut o.table);
            }
            Object::Index(o) => {
                let own = o.table.clone();
                self.keys(&own, &mut o.keys, text);
                self.all(&own, &mut o.include);
                optional(&own, o.filter.as_mut());
                let mut schema = own.schema.clone();
                self.named(&[Kind::Index], &mut schema, &mut o.name);
                self.table(&mut o.table);
            }
            Object::Function(o) => {
                self.named(&[Kind::Function], &mut o.schema, &mut o.name);
                for param in &mut o.params {
                    self.ty(&mut param.ty);
                }
                match &mut o.returns {
                    Some(Returns::Type(ty) | Returns::SetOf(ty)) => self.ty(ty),
                    Some(Returns::Table(fields)) => fields.iter_mut().for_each(|(_, ty)| self.ty(ty)),
                    None => {}
                }
                if let Body::Atomic(text) = &mut o.body {
                    self.query(text);
                }
            }
            Object::View(o) => {
                self.query(&mut o.query);
                self.table(&mut o.view);
            }
            Object::Trigger(o) => {
                let own = o.table.clone();
                for (_, columns) in &mut o.events {
                    self.all(&own, columns);
                }
                optional(&own, o.when.as_mut());
                self.function(&mut o.function);
                self.table(&mut o.table);
            }
            Object::Policy(o) => {
                let own = o.table.clone();
                optional(&own, o.using.as_mut());
                optional(&own, o.check.as_mut());
                o.roles.iter_mut().for_each(|role| self.role(role));
                o.roles.sort_unstable();
                self.table(&mut o.table);
            }
            Object::Grant(o) => {
                let own = TableName::new(o.on.schema.clone(), o.on.name.clone());
                for privilege in &mut o.privileges {
                    self.all(&own, &mut privilege.columns);
                    privilege.columns.sort_unstable();
                }
                self.id(&mut o.on);
                self.role(&mut o.to);
            }
            Object::PublicationTable(o) => {
                let own = o.table.clone();
                self.all(&own, &mut o.columns);
                optional(&own, o.filter.as_mut());
                self.table(&mut o.table);
            }
            Object::Seed(o) => {
                let own = o.table.clone();
                self.all(&own, &mut o.columns);
                self.all(&own, &mut o.key);
                if let Some(column) = &mut o.restart {
                    self.column(&own, column);
                }
                self.table(&mut o.table);
            }
            Object::Sql(o) => o.provides.iter_mut().for_each(|id| self.id(id)),
            Object::Publication(_) | Object::Bucket(_) | Object::Job(_) => {}
        }
    }

    fn table_column(&self, own: &TableName, column: &mut Column, text: bool) {
        self.column(own, &mut column.name);
        // A default of the enum's type is kept by Postgres under the label's new name.
        if let Some(labels) = self.labels.get(&(column.ty.schema.clone(), column.ty.name.clone()))
            && let Some(default) = &mut column.default
        {
            for (was, now) in labels {
                let quoted = |label: &str| format!("'{}'", label.replace('\'', "''"));
                default.text = default.text.replace(&quoted(was), &quoted(now)).into();
            }
        }
        self.ty(&mut column.ty);
        if let Some(collation) = &mut column.collation {
            self.schema(&mut collation.schema);
        }
        if text {
            if let Some(default) = &mut column.default {
                self.expr(Some(own), default);
            }
            if let Some(generated) = &mut column.generated {
                self.expr(Some(own), generated);
            }
        }
    }
}
