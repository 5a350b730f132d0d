//! How each object is going to be said, and what belongs to what.

use crate::patterns::Use;
use crate::text::Names;
use crate::{Options, lists, sql_text, text};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{Catalog, DataType, Entry, Kind, Needs, Object, ObjectId, TableName};

/// How an object is said; what cannot be said one way is said the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// As an author would: names by convention are left out, and so is what Postgres adds to expressions.
    #[default]
    Tidy,
    /// With every name, its expressions as they are in the catalog.
    Plain,
    /// With its expressions in `sql $$ … $$`.
    Sql,
    /// As a `sql` block.
    Block,
}

impl Level {
    fn next(self) -> Self {
        match self {
            Level::Tidy => Level::Plain,
            Level::Plain => Level::Sql,
            Level::Sql | Level::Block => Level::Block,
        }
    }
}

/// What is known and decided while a catalog is said.
#[derive(Clone)]
pub(crate) struct State<'a> {
    pub catalog: &'a Catalog,
    needs: Needs<'a>,
    /// By schema and name: how many functions.
    overloads: FxHashMap<(&'a str, &'a str), usize>,
    pub names: Names,
    /// Roles that the platform has.
    pub platform_roles: FxHashSet<SmolStr>,
    /// Schema and name of types and tables that blocks make.
    pub provided: FxHashSet<(SmolStr, SmolStr)>,
    levels: FxHashMap<ObjectId, (Level, String)>,
    /// Objects whose comment a block sets.
    pub comments: FxHashSet<ObjectId>,
    /// Columns whose expressions stand in `sql $$ … $$`.
    pub sql_columns: FxHashSet<(ObjectId, SmolStr)>,
    /// Mixins by table.
    pub uses: FxHashMap<TableName, Vec<Use>>,
    /// Functions, triggers and so on that the mixins make.
    pub covered: FxHashSet<ObjectId>,
    /// Columns whose comment a block sets.
    pub column_comments: FxHashSet<(ObjectId, SmolStr)>,
    /// By table or view: constraints, indexes, triggers, policies.
    parts: FxHashMap<TableName, Vec<&'a ObjectId>>,
    /// By table: its partitions.
    partitions: FxHashMap<TableName, Vec<&'a ObjectId>>,
    /// The sequences of identity columns, which are no objects of the catalog, and their tables.
    identities: FxHashMap<ObjectId, ObjectId>,
    /// By object: grants on it.
    grants: FxHashMap<ObjectId, Vec<&'a ObjectId>>,
}

impl<'a> State<'a> {
    pub fn new(catalog: &'a Catalog, options: &Options, platform_roles: FxHashSet<SmolStr>) -> Self {
        let default_schema = options.default_schema.to_string();
        let taken = catalog.iter().filter(|(id, _)| {
            id.schema == default_schema.as_str()
                && matches!(id.kind, Kind::Table | Kind::View | Kind::Enum | Kind::Domain | Kind::Composite)
        });
        let shadows = taken.map(|(id, _)| id.name.to_string()).collect();
        let mut overloads: FxHashMap<_, usize> = FxHashMap::default();
        for (id, _) in catalog.iter().filter(|(id, _)| id.kind == Kind::Function) {
            *overloads.entry((id.schema.as_str(), id.name.as_str())).or_default() += 1;
        }
        let mut state = Self {
            catalog,
            needs: Needs::new(catalog),
            overloads,
            names: Names { default_schema, shadows },
            platform_roles,
            provided: FxHashSet::default(),
            levels: FxHashMap::default(),
            comments: FxHashSet::default(),
            uses: FxHashMap::default(),
            covered: FxHashSet::default(),
            sql_columns: FxHashSet::default(),
            column_comments: FxHashSet::default(),
            parts: FxHashMap::default(),
            partitions: FxHashMap::default(),
            identities: FxHashMap::default(),
            grants: FxHashMap::default(),
        };
        for (id, entry) in catalog.iter() {
            match &entry.object {
                Object::Constraint(_) | Object::Index(_) | Object::Trigger(_) | Object::Policy(_) => {
                    let table = entry.object.table().cloned();
                    table.into_iter().for_each(|table| state.parts.entry(table).or_default().push(id));
                }
                Object::Table(table) => {
                    state.identities.extend(table.identity_sequences().map(|sequence| (sequence, id.clone())));
                    if let Some((parent, _)) = &table.partition_of {
                        state.partitions.entry(parent.clone()).or_default().push(id);
                    }
                }
                Object::Sql(sql) => {
                    state.provided.extend(sql.provides.iter().map(|id| (id.schema.clone(), id.name.clone())));
                }
                Object::Grant(grant) => state.grants.entry(grant.on.clone()).or_default().push(id),
                _ => {}
            }
        }
        state.begin();
        state
    }

    /// What no construct says is a block from the start.
    fn begin(&mut self) {
        for (id, entry) in self.catalog.iter() {
            let why = match &entry.object {
                Object::Sql(_) => "no construct says it",
                Object::Publication(_) => "no construct makes a publication",
                Object::PublicationTable(o) if o.publication != "supabase_realtime" => {
                    "no construct adds tables to this publication"
                }
                Object::Seed(_) => "its rows are in the catalog, and what they mean is not",
                Object::Policy(o) if o.using.is_none() && o.check.is_none() => "it has no condition",
                Object::Table(o) if o.partition_of.is_some() && (o.partition_by.is_some() || !o.columns.is_empty()) => {
                    "it is a partition, and has parts or columns of its own"
                }
                _ => continue,
            };
            self.levels.insert(id.clone(), (Level::Block, why.to_owned()));
        }
    }

    /// Puts the expressions of a column into `sql $$ … $$`. False where they are there already, or there are none.
    pub fn escape(&mut self, table: &ObjectId, column: &SmolStr) -> bool {
        let Some(Object::Table(o)) = self.catalog.get(table).map(|entry| &entry.object) else { return false };
        let has = |c: &specc_catalog::Column| c.name == *column && (c.default.is_some() || c.generated.is_some());
        o.columns.iter().any(has) && self.sql_columns.insert((table.clone(), column.clone()))
    }

    /// What is a part of a block, or of what cannot have it, is a block too.
    pub fn settle(&mut self) {
        let mut blocks: Vec<(ObjectId, &str)> = Vec::new();
        for (id, entry) in self.catalog.iter() {
            if !self.is_typed(id) {
                continue;
            }
            let object = &entry.object;
            let why = match object {
                Object::Constraint(_)
                | Object::Index(_)
                | Object::Trigger(_)
                | Object::Policy(_)
                | Object::PublicationTable(_) => object.table().and_then(|table| self.no_home(&table.id(), object)),
                Object::Grant(o) => self.no_home(&o.on, object),
                Object::Table(o) => {
                    let parent = o.partition_of.as_ref().map(|(parent, _)| parent.id());
                    parent.and_then(|parent| self.no_home(&parent, object))
                }
                _ => None,
            };
            blocks.extend(why.map(|why| (id.clone(), why)));
        }
        let more = !blocks.is_empty();
        for (id, why) in blocks {
            self.block(&id, why);
        }
        if more {
            self.settle();
        }
    }

    /// Why `part` cannot be said at what it belongs to.
    fn no_home(&self, home: &ObjectId, part: &Object) -> Option<&'static str> {
        let view = ObjectId { kind: Kind::View, ..home.clone() };
        let Some(entry) = self.catalog.get(home).or_else(|| self.catalog.get(&view)) else {
            if let Some(table) = self.identities.get(home) {
                return (!self.is_typed(table)).then_some("what it belongs to is in a block");
            }
            let is_public = home.kind == Kind::Schema && home.name == "public";
            let outside =
                is_public || matches!(part, Object::Policy(_) | Object::Trigger(_) | Object::PublicationTable(_));
            return (!outside).then_some("what it belongs to is not among the objects");
        };
        match &entry.object {
            _ if !self.is_typed(&entry.object.id()) => Some("what it belongs to is in a block"),
            Object::Table(o) if o.partition_of.is_some() => Some("a partition has nothing of its own"),
            Object::View(o) if matches!(part, Object::Index(_)) && !o.materialized => Some("a view has no indexes"),
            _ => None,
        }
    }

    pub fn level(&self, id: &ObjectId) -> Level {
        self.levels.get(id).map_or(Level::Tidy, |(level, _)| *level)
    }

    /// Whether the object is said by a construct.
    pub fn is_typed(&self, id: &ObjectId) -> bool {
        self.level(id) != Level::Block
    }

    pub fn why(&self, id: &ObjectId) -> &str {
        self.levels.get(id).map_or("", |(_, why)| why)
    }

    /// Says the object in the next way. False where there is none.
    pub fn raise(&mut self, id: &ObjectId, why: &str) -> bool {
        let level = self.level(id);
        let mut next = level.next();
        // Without expressions there is nothing to put into `sql $$ … $$`.
        if next == Level::Sql && !self.catalog.get(id).is_some_and(|entry| has_expressions(&entry.object)) {
            next = Level::Block;
        }
        self.levels.insert(id.clone(), (next, why.to_owned()));
        level != Level::Block
    }

    /// Makes the object a block.
    pub fn block(&mut self, id: &ObjectId, why: &str) -> bool {
        let typed = self.is_typed(id);
        if typed {
            self.levels.insert(id.clone(), (Level::Block, why.to_owned()));
        }
        typed
    }

    /// The comment that stands above the object.
    pub fn doc(&self, id: &ObjectId) -> Option<&'a str> {
        let entry = self.catalog.get(id)?;
        entry.comment.as_deref().filter(|_| !self.comments.contains(id))
    }

    pub fn entry(&self, id: &ObjectId) -> Option<&'a Entry> {
        self.catalog.get(id)
    }

    /// What of the catalog an object needs.
    pub fn needs(&self, id: &ObjectId) -> impl Iterator<Item = ObjectId> + use<> {
        self.needs.reasons(id).into_iter().map(|need| need.on)
    }

    /// Whether other functions have this one's name.
    pub fn is_overloaded(&self, id: &ObjectId) -> bool {
        self.overloads.get(&(id.schema.as_str(), id.name.as_str())).is_some_and(|count| *count > 1)
    }

    /// Parts of a table or view of one kind that are said in it.
    pub fn parts(&self, table: &TableName, kind: Kind) -> Vec<&'a ObjectId> {
        let all = self.parts.get(table).map(Vec::as_slice).unwrap_or_default();
        let says = |id: &&ObjectId| id.kind == kind && self.is_typed(id) && !self.covered.contains(*id);
        all.iter().copied().filter(says).collect()
    }

    pub fn all_parts(&self, table: &TableName) -> &[&'a ObjectId] {
        self.parts.get(table).map(Vec::as_slice).unwrap_or_default()
    }

    pub fn partitions(&self, table: &TableName) -> &[&'a ObjectId] {
        self.partitions.get(table).map(Vec::as_slice).unwrap_or_default()
    }

    pub fn grants(&self, on: &ObjectId) -> &[&'a ObjectId] {
        self.grants.get(on).map(Vec::as_slice).unwrap_or_default()
    }

    /// The text of an expression at a level; `ty` is the type of the column that it is the default of.
    pub fn expr(&self, level: Level, sql: &str, ty: Option<&DataType>) -> String {
        let written = match (level, ty) {
            (Level::Tidy, Some(ty)) => sql_text::default(sql, ty),
            (Level::Tidy, None) => sql_text::bare(sql),
            (Level::Plain, _) => sql.trim(),
            _ => return format!("sql {}", text::body(&format!(" {} ", sql.trim()))),
        };
        sql_text::told_apart(written).into_owned()
    }

    /// The text of an expression over the columns of a table.
    pub fn expr_of(&self, level: Level, sql: &str, table: &TableName) -> String {
        let columns = match self.entry(&table.id()).map(|entry| &entry.object) {
            Some(Object::Table(o)) if level < Level::Sql => o.columns.as_slice(),
            _ => &[],
        };
        let fits = |column: &str, of: &str, cast: Option<&str>| {
            columns.iter().any(|c| c.name == column && lists::fits(&c.ty, of, cast))
        };
        self.expr(level, &lists::written(sql, &fits), None)
    }
}

fn has_expressions(object: &Object) -> bool {
    matches!(
        object,
        Object::Table(_)
            | Object::Domain(_)
            | Object::Constraint(_)
            | Object::Index(_)
            | Object::Function(_)
            | Object::Trigger(_)
            | Object::Policy(_)
            | Object::PublicationTable(_)
    )
}
