//! Giving a catalog new names: every place in which one can stand.

use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_analysis::catalog::{Known, NewName, Quotes, rewritten};
use specc_analysis::{Analysis, Target};
use specc_catalog::{
    Body, Bounds, Catalog, Column, DataType, Entry, IndexKey, KeyOn, Kind, Object, ObjectId, Qualified, Returns, Rule,
    SqlExpr, TableName,
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
    /// Of functions whose parameters have types with other names.
    pub signatures: FxHashMap<SmolStr, SmolStr>,
    /// Every name that was given up: a text without any of them stays as it is.
    old: Vec<SmolStr>,
}

/// Both catalogs, to resolve texts in them.
pub(crate) struct Texts<'c> {
    pub from: Known<'c>,
    pub to: Known<'c>,
}

const TYPES: [Kind; 5] = [Kind::Enum, Kind::Domain, Kind::Composite, Kind::Table, Kind::View];

impl Names {
    pub fn add(&mut self, was: &ObjectId, now: &ObjectId) {
        self.old.push(was.name.clone());
        if was.schema != now.schema {
            self.old.push(was.schema.clone());
        }
        match was.kind {
            Kind::Schema => {
                self.schemas.insert(was.name.clone(), now.name.clone());
            }
            Kind::Role => {
                self.roles.insert(was.name.clone(), now.name.clone());
            }
            kind => {
                let new = (now.schema.clone(), now.name.clone());
                self.others.insert((kind, was.schema.clone(), was.name.clone()), new);
            }
        }
    }

    pub fn add_part(&mut self, object: &ObjectId, was: &SmolStr, now: &SmolStr) {
        self.old.push(was.clone());
        if object.kind == Kind::Enum {
            let labels = self.labels.entry((object.schema.clone(), object.name.clone())).or_default();
            labels.insert(was.clone(), now.clone());
            return;
        }
        let table = TableName::new(object.schema.clone(), object.name.clone());
        self.columns.entry(table).or_default().insert(was.clone(), now.clone());
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

    pub fn ty(&self, ty: &mut DataType) {
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

    /// The new name of what a reference is to, where it has one.
    pub fn target(&self, target: &Target) -> Option<NewName> {
        let named = |kinds: &[Kind], name: &Qualified| {
            let (mut schema, mut new) = (name.schema.clone(), name.name.clone());
            self.named(kinds, &mut schema, &mut new);
            (schema != name.schema || new != name.name).then_some((schema, new))
        };
        match target {
            Target::Relation(name) => named(&[Kind::Table, Kind::View, Kind::Sequence], name),
            Target::Function(name, _) => named(&[Kind::Function], name),
            Target::Type(name) => named(&TYPES, name),
            Target::Column(of, column) => {
                let columns = self.columns.get(&TableName::new(of.schema.clone(), of.name.clone()))?;
                columns.get(column).map(|new| (SmolStr::default(), new.clone()))
            }
            Target::Label(of, label) => {
                let labels = self.labels.get(&(of.schema.clone(), of.name.clone()))?;
                labels.get(label).map(|new| (SmolStr::default(), new.clone()))
            }
            Target::Collation(name) | Target::Configuration(name) => named(&[], name),
            Target::Columns(_) => None,
        }
    }

    /// Whether a text may have a name that was given up.
    pub fn touches(&self, text: &str) -> bool {
        // A quote in a name is doubled in text.
        let lower = text.to_lowercase();
        self.old.iter().any(|old| lower.contains(&*old.to_lowercase()) || old.contains(['"', '\'']))
    }

    fn expr(&self, table: Option<&TableName>, expr: &mut SqlExpr, texts: &Texts<'_>) {
        if let Some(table) = table {
            self.all(table, &mut expr.columns);
            expr.columns.sort_unstable();
        }
        if !self.touches(&expr.text) {
            return;
        }
        let found = match table {
            Some(table) => texts.from.of_table(table, &expr.text),
            None => texts.from.of_nothing(&expr.text),
        };
        self.rewrite(expr, found);
    }

    fn rewrite(&self, expr: &mut SqlExpr, found: Analysis) {
        if let Some(text) = rewritten(&expr.text, &found.references, Quotes::Needed, &|target| self.target(target)) {
            expr.text = text.into();
        }
    }

    /// Columns of views that are called as they are read and so get another name with what they read, where the new view
    /// says the same: Postgres keeps their old names, and they are renamed too. Views that read those follow.
    pub fn view_columns(
        &mut self,
        from: &Catalog,
        to: &Catalog,
        texts: &Texts<'_>,
    ) -> Vec<(ObjectId, SmolStr, SmolStr)> {
        let mut renamed = Vec::new();
        loop {
            let views = from.iter().filter_map(|(id, entry)| match &entry.object {
                Object::View(view) if !view.materialized && view.columns.is_empty() => Some((id, view)),
                _ => None,
            });
            let open = views.filter(|(_, view)| !self.columns.contains_key(&view.view));
            let mut more = Vec::new();
            for (id, view) in open.filter(|(_, view)| view.query.contains('*') || self.touches(&view.query)) {
                let found = texts.from.of_query(&view.query);
                let all = rewritten(&view.query, &found.references, Quotes::Kept, &|target| self.target(target));
                let all = all.unwrap_or_else(|| view.query.to_string());
                let mut now = id.clone();
                self.id(&mut now);
                let same =
                    matches!(to.get(&now).map(|entry| &entry.object), Some(Object::View(new)) if new.query == all);
                let (Some(before), Some(after)) = (names(&found), names(&texts.to.of_query(&all))) else { continue };
                if !same || before.len() != after.len() || before == after {
                    continue;
                }
                let pairs = before.into_iter().zip(after).filter(|(was, now)| was != now);
                more.extend(pairs.map(|(was, new)| (id.clone(), now.clone(), was, new)));
            }
            if more.is_empty() {
                return renamed;
            }
            for (old, now, was, new) in more {
                self.add_part(&old, &was, &new);
                renamed.push((now, was, new));
            }
        }
    }

    /// A view goes on to call its own columns as before: where they would be called otherwise, the query is another one.
    fn query(&self, view: &TableName, text: &mut SmolStr, texts: &Texts<'_>) {
        if !self.touches(text) {
            return;
        }
        let found = texts.from.of_query(text);
        let Some(all) = rewritten(text, &found.references, Quotes::Kept, &|target| self.target(target)) else { return };
        let before = names(&found);
        if self.columns.contains_key(view) || before.is_some() && before == names(&texts.to.of_query(&all)) {
            *text = all.into();
            return;
        }
        let tables = |target: &Target| self.target(target).filter(|_| !matches!(target, Target::Column(..)));
        if let Some(part) = rewritten(text, &found.references, Quotes::Kept, &tables) {
            *text = part.into();
        }
    }

    /// A body that Postgres has read.
    fn body(&self, function: &mut specc_catalog::Function, texts: &Texts<'_>) {
        let Some(found) = texts.from.of_body(function) else { return };
        if let Body::Atomic(text) = &mut function.body
            && let Some(new) = rewritten(text, &found.references, Quotes::Kept, &|target| self.target(target))
        {
            *text = new.into();
        }
    }

    pub fn id(&self, id: &mut ObjectId) {
        match id.kind {
            Kind::Schema => self.schema(&mut id.name),
            Kind::Role => self.role(&mut id.name),
            Kind::Constraint | Kind::Trigger | Kind::Policy | Kind::PublicationTable | Kind::Seed => {
                self.named(&[Kind::Table, Kind::View], &mut id.schema, &mut id.name);
            }
            kind => {
                self.named(&[kind], &mut id.schema, &mut id.name);
                if let Some(now) = self.signatures.get(&id.part).filter(|_| kind == Kind::Function) {
                    id.part = now.clone();
                }
            }
        }
    }

    fn keys(&self, table: &TableName, keys: &mut [IndexKey], texts: &Texts<'_>) {
        for key in keys {
            match &mut key.on {
                KeyOn::Column(column) => self.column(table, column),
                KeyOn::Expr(expr) => self.expr(Some(table), expr, texts),
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
    pub fn entry(&self, entry: &mut Entry, texts: &Texts<'_>) {
        for dependency in &mut entry.depends {
            self.id(&mut dependency.on);
        }
        let optional = |table: &TableName, expr: Option<&mut SqlExpr>| {
            if let Some(expr) = expr {
                self.expr(Some(table), expr, texts);
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
                if let Some(default) = &mut o.default {
                    self.rewrite(default, texts.from.of_value(&o.base, &default.text));
                }
                self.ty(&mut o.base);
                o.checks.iter_mut().for_each(|(_, expr)| self.expr(None, expr, texts));
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
                for count in &mut entry.counts {
                    self.column(&own, &mut count.column);
                    self.expr(Some(&own), &mut count.value, texts);
                    self.table(&mut count.of);
                }
                for column in &mut o.columns {
                    self.table_column(&own, column, texts);
                }
                if let Some(by) = &mut o.partition_by {
                    self.keys(&own, &mut by.keys, texts);
                }
                if let Some((parent, bounds)) = &mut o.partition_of {
                    self.bounds(parent, bounds, texts);
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
                            self.keys(&own, std::slice::from_mut(key), texts);
                        }
                        optional(&own, filter.as_mut());
                    }
                }
                self.table(&mut o.table);
            }
            Object::Index(o) => {
                let own = o.table.clone();
                self.keys(&own, &mut o.keys, texts);
                self.all(&own, &mut o.include);
                optional(&own, o.filter.as_mut());
                let mut schema = own.schema.clone();
                self.named(&[Kind::Index], &mut schema, &mut o.name);
                self.table(&mut o.table);
            }
            Object::Function(o) => {
                self.body(o, texts);
                self.named(&[Kind::Function], &mut o.schema, &mut o.name);
                for param in &mut o.params {
                    if let Some(default) = &mut param.default {
                        self.rewrite(default, texts.from.of_value(&param.ty, &default.text));
                    }
                    self.ty(&mut param.ty);
                }
                match &mut o.returns {
                    Some(Returns::Type(ty) | Returns::SetOf(ty)) => self.ty(ty),
                    Some(Returns::Table(fields)) => fields.iter_mut().for_each(|(_, ty)| self.ty(ty)),
                    None => {}
                }
            }
            Object::View(o) => {
                self.query(&o.view, &mut o.query, texts);
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
                for (at, column) in o.columns.iter().enumerate() {
                    let ty = texts.from.column_type(&own, column).filter(|ty| !ty.schema.is_empty());
                    let Some(ty) = ty.filter(|_| o.rows.iter().any(|row| self.touches(&row[at].text))) else {
                        continue;
                    };
                    for value in o.rows.iter_mut().map(|row| &mut row[at]).filter(|value| self.touches(&value.text)) {
                        self.rewrite(value, texts.from.of_value(&ty, &value.text));
                    }
                }
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

    /// Bounds are values of the columns by which the table is divided.
    fn bounds(&self, parent: &TableName, bounds: &mut Bounds, texts: &Texts<'_>) {
        let types = texts.from.partition_types(parent);
        let value = |ty: Option<&DataType>, expr: &mut SqlExpr| {
            if let Some(ty) = ty.filter(|_| self.touches(&expr.text)) {
                self.rewrite(expr, texts.from.of_value(ty, &expr.text));
            }
        };
        match bounds {
            Bounds::Range { from, to } => {
                for side in [from, to] {
                    side.iter_mut().zip(&types).for_each(|(expr, ty)| value(ty.as_ref(), expr));
                }
            }
            Bounds::List(list) => {
                let ty = types.first().and_then(Option::as_ref);
                list.iter_mut().for_each(|expr| value(ty, expr));
            }
            Bounds::Hash { .. } | Bounds::Default => {}
        }
    }

    fn table_column(&self, own: &TableName, column: &mut Column, texts: &Texts<'_>) {
        self.column(own, &mut column.name);
        // A default of the enum's type is kept by Postgres under the label's new name.
        if let Some(default) = &mut column.default {
            self.all(own, &mut default.columns);
            if self.touches(&default.text) {
                self.rewrite(default, texts.from.of_default(own, &column.ty, &default.text));
            }
        }
        self.ty(&mut column.ty);
        if let Some(collation) = &mut column.collation {
            self.schema(&mut collation.schema);
        }
        if let Some(generated) = &mut column.generated {
            self.expr(Some(own), generated, texts);
        }
    }
}

/// The names of the columns that a query gives, where all are known.
pub(crate) fn names(found: &Analysis) -> Option<Vec<SmolStr>> {
    found.columns.as_ref().map(|columns| columns.iter().map(|(name, _)| name.clone()).collect())
}
