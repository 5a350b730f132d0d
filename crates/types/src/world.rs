//! What a program sees of a catalog: the relations of some schemas with their columns, and the types that they have.

use crate::collate::compare;
use crate::formats::Format;
use crate::print::Ts;
use crate::strict::Narrowing;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_analysis::Target;
use specc_analysis::catalog::Known;
use specc_analysis::shape::{Shape, Shapes, table_columns};
use specc_catalog::{
    Bounds, Catalog, Composite, Constraint, DataType, Enum, Function, IdRef, Index, Kind, Object, ObjectId, Qualified,
    Rule, SqlExpr, TableName, Timing, Trigger,
};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::OnceLock;

/// What a relation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum RelationKind {
    Table,
    View,
    Materialized,
}

/// A table or view.
#[derive(Clone, Debug)]
pub struct Relation {
    /// Its name.
    pub name: TableName,
    /// Whether it is a table.
    pub kind: RelationKind,
    /// By name.
    pub columns: Vec<Column>,
    /// Whether rows can be inserted and updated through it.
    pub writes: (bool, bool),
}

/// A column of one.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: SmolStr,
    pub(crate) format: Format,
    /// Whether it may be null; of a view, unless its query shows that it is not.
    pub nullable: bool,
    /// It can be left out of a new row.
    pub optional: bool,
    /// It can be written.
    pub written: bool,
    /// The column of another relation that it passes on.
    pub(crate) of: Option<(Qualified, SmolStr)>,
    /// A narrower type than that of its values.
    pub(crate) narrow: Option<Ts>,
    /// Its type, domains and all, where it is known.
    pub ty: Option<DataType>,
    /// What it has where a new row does not say; of a domain too.
    pub default: Option<SqlExpr>,
    /// Its values are compared in another way than letter by letter.
    pub collated: bool,
}

impl Column {
    /// The table or view whose column it passes on, and that column.
    pub fn passes_on(&self) -> Option<(TableName, &SmolStr)> {
        let (on, column) = self.of.as_ref()?;
        Some((TableName::new(on.schema.clone(), on.name.clone()), column))
    }
}

/// The columns of a table by name, each with whether it can be written.
pub fn columns_of(catalog: &Catalog, table: &TableName) -> Vec<(SmolStr, bool)> {
    let columns = table_columns(catalog, table).unwrap_or_default();
    let mut columns: Vec<_> = columns.iter().map(|column| (column.name.clone(), is_written(column))).collect();
    columns.sort_by(|a, b| by_name(&a.0, &b.0));
    columns
}

fn is_written(column: &specc_catalog::Column) -> bool {
    column.generated.is_none() && !column.identity.as_deref().is_some_and(|(always, _)| *always)
}

fn by_name(a: &str, b: &str) -> Ordering {
    compare(a, b).then_with(|| a.cmp(b))
}

/// A check of a table, its own or one that it has from others.
#[derive(Clone, Debug)]
pub(crate) struct Check<'c> {
    pub name: &'c SmolStr,
    pub text: &'c str,
    /// Rows that were there before need not fit it.
    pub not_valid: bool,
}

/// The catalog as the types show it.
#[derive(Debug)]
pub(crate) struct World<'c> {
    pub catalog: &'c Catalog,
    /// The schemas that are shown, by name.
    pub schemas: Vec<SmolStr>,
    /// Their relations: the tables by name, then the views by name.
    pub relations: Vec<Relation>,
    pub functions: Vec<&'c Function>,
    /// By name, in the order of the catalog.
    enums: FxHashMap<&'c str, Vec<&'c Enum>>,
    composites: FxHashMap<&'c str, Vec<&'c Composite>>,
    pub foreign_keys: Vec<&'c Constraint>,
    /// The foreign keys by the table that they refer to.
    pub referring: FxHashMap<&'c TableName, Vec<&'c Constraint>>,
    pub constraints: FxHashMap<&'c TableName, Vec<&'c Constraint>>,
    pub unique_indexes: FxHashMap<&'c TableName, Vec<&'c Index>>,
    pub triggers: FxHashMap<&'c TableName, Vec<&'c Trigger>>,
    /// Tables with a partition for what no other one holds.
    pub with_rest: FxHashSet<&'c TableName>,
    rows: FxHashMap<SmolStr, Vec<usize>>,
    places: FxHashMap<TableName, usize>,
    pub shapes: Shapes<'c>,
    strict: bool,
    /// What functions do, looked up when it is asked for, and what is usual.
    bodies: OnceLock<(FxHashMap<ObjectId, Body>, Body)>,
    /// What tables say of their columns, looked up when it is asked for.
    narrowings: OnceLock<FxHashMap<&'c TableName, Narrowing>>,
}

/// What a function does when it runs.
#[derive(Debug)]
pub(crate) struct Body {
    /// The SQLSTATEs that it throws by itself.
    pub throws: Vec<SmolStr>,
    /// The tables that it names.
    pub tables: BTreeSet<TableName>,
}

impl<'c> World<'c> {
    /// # Errors
    /// The first schema that is not there.
    pub(crate) fn new(
        catalog: &'c Catalog,
        around: &'c Catalog,
        schemas: &[SmolStr],
        strict: bool,
    ) -> Result<Self, SmolStr> {
        let mut there: FxHashSet<&str> = FxHashSet::default();
        there.insert("public");
        for (id, entry) in catalog.iter() {
            there.insert(if let Object::Schema(schema) = &entry.object { &schema.name } else { &id.schema });
        }
        let mut missing: Vec<&SmolStr> = schemas.iter().filter(|schema| !there.contains(schema.as_str())).collect();
        missing.sort_by(|a, b| compare(a, b).then_with(|| a.cmp(b)));
        match missing.first() {
            Some(missing) => Err((*missing).clone()),
            None => Ok(Self::of(catalog, around, schemas, strict)),
        }
    }

    /// Of these schemas, of which some may have nothing.
    pub(crate) fn of(catalog: &'c Catalog, around: &'c Catalog, schemas: &[SmolStr], strict: bool) -> Self {
        let mut shown = schemas.to_vec();
        shown.sort_by(|a, b| compare(a, b).then_with(|| a.cmp(b)));
        shown.dedup();
        let mut world = Self {
            catalog,
            schemas: shown,
            relations: Vec::new(),
            functions: Vec::new(),
            enums: FxHashMap::default(),
            composites: FxHashMap::default(),
            foreign_keys: Vec::new(),
            referring: FxHashMap::default(),
            constraints: FxHashMap::default(),
            unique_indexes: FxHashMap::default(),
            triggers: FxHashMap::default(),
            with_rest: FxHashSet::default(),
            rows: FxHashMap::default(),
            places: FxHashMap::default(),
            shapes: Shapes::new(catalog, around),
            strict,
            bodies: OnceLock::new(),
            narrowings: OnceLock::new(),
        };
        let (mut names, mut fires) = (Vec::new(), FxHashMap::<&TableName, (bool, bool)>::default());
        for (_, entry) in catalog.iter() {
            match &entry.object {
                Object::Table(table) => {
                    if let Some((parent, Bounds::Default)) = &table.partition_of {
                        world.with_rest.insert(parent);
                    }
                    names.push((&table.table, RelationKind::Table));
                }
                Object::View(view) if view.materialized => names.push((&view.view, RelationKind::Materialized)),
                Object::View(view) => names.push((&view.view, RelationKind::View)),
                Object::Enum(found) => world.enums.entry(&found.name).or_default().push(found),
                Object::Composite(found) => world.composites.entry(&found.name).or_default().push(found),
                Object::Function(function) if !function.procedure => world.functions.push(function),
                Object::Constraint(constraint) => {
                    world.constraints.entry(&constraint.table).or_default().push(constraint);
                    if let specc_catalog::Rule::ForeignKey(key) = &constraint.rule {
                        world.foreign_keys.push(constraint);
                        world.referring.entry(&key.target).or_default().push(constraint);
                    }
                }
                Object::Index(index) if index.unique => {
                    world.unique_indexes.entry(&index.table).or_default().push(index);
                }
                Object::Trigger(trigger) => {
                    world.triggers.entry(&trigger.table).or_default().push(trigger);
                    if trigger.timing != Timing::InsteadOf {
                        continue;
                    }
                    let fires = fires.entry(&trigger.table).or_default();
                    fires.0 |= trigger.events.iter().any(|(event, _)| event == "insert");
                    fires.1 |= trigger.events.iter().any(|(event, _)| event == "update");
                }
                _ => {}
            }
        }
        names.retain(|(name, _)| world.is_shown(&name.schema));
        let views = |kind: RelationKind| kind != RelationKind::Table;
        names.sort_by(|a, b| {
            views(a.1).cmp(&views(b.1)).then_with(|| compare(&a.0.name, &b.0.name)).then_with(|| a.0.cmp(b.0))
        });
        let writes = Writes { shapes: &world.shapes, fires: &fires, through: RefCell::default() };
        let mut relations = Vec::with_capacity(names.len());
        for (name, kind) in names {
            let mut relation = match kind {
                RelationKind::Table => world.table(name),
                _ => world.view(name, kind, &writes),
            };
            if strict {
                for column in &mut relation.columns {
                    column.narrow = crate::strict::of_column(&world, name, &column.name);
                }
            }
            relation.columns.sort_by(|a, b| by_name(&a.name, &b.name));
            relations.push(relation);
        }
        for (at, relation) in relations.iter().enumerate() {
            world.rows.entry(relation.name.name.clone()).or_default().push(at);
            world.places.insert(relation.name.clone(), at);
        }
        world.relations = relations;
        world
    }

    /// What a table says of its columns.
    pub(crate) fn narrowing(&self, table: &TableName) -> Option<&Narrowing> {
        let of = |(_, entry): (_, &'c specc_catalog::Entry)| {
            let Object::Table(table) = &entry.object else { return None };
            let columns = table_columns(self.catalog, &table.table)?;
            let constraints = self.constraints.get(&table.table).into_iter().flatten().copied();
            Some((&table.table, Narrowing::of(columns, constraints)))
        };
        self.narrowings.get_or_init(|| self.catalog.iter().filter_map(of).collect()).get(table)
    }

    fn table(&self, name: &TableName) -> Relation {
        let column = |column: specc_catalog::Column| {
            let nullable = column.nullable && !self.shapes.is_required_type(&column.ty);
            Column {
                format: self.stored(&column.ty),
                nullable,
                optional: nullable || column.identity.is_some() || column.default.is_some(),
                written: is_written(&column),
                name: column.name,
                of: None,
                narrow: None,
                default: column.default.or_else(|| self.shapes.domain(&column.ty)?.default.clone()),
                collated: column.collation.is_some(),
                ty: Some(column.ty),
            }
        };
        let columns = table_columns(self.catalog, name).unwrap_or_default().into_iter().map(column).collect();
        Relation { name: name.clone(), kind: RelationKind::Table, columns, writes: (true, true) }
    }

    fn view(&self, name: &TableName, kind: RelationKind, writes: &Writes<'_, 'c>) -> Relation {
        let shape = self.shapes.view(name).unwrap_or_default();
        let column = |column: &specc_analysis::shape::Column| {
            let required = column.required
                || self.strict && column.certain
                || column.ty.as_ref().is_some_and(|ty| self.shapes.is_required_type(ty));
            Column {
                name: column.name.clone(),
                format: column.ty.as_ref().map_or_else(Format::unknown, |ty| self.stored(ty)),
                nullable: !required,
                optional: true,
                written: kind == RelationKind::View && writes.column(name, &column.name),
                of: column.of.clone(),
                narrow: None,
                ty: column.ty.clone(),
                default: None,
                collated: false,
            }
        };
        let columns = shape.columns.iter().map(column).collect();
        let plain = kind == RelationKind::View;
        let events = writes.events(name, true, None, 0);
        Relation { name: name.clone(), kind, columns, writes: (plain && events.0, plain && events.1) }
    }

    /// What a function does when it runs. Of one that the catalog does not have, or whose text is of another language, what is
    /// usual.
    pub(crate) fn body(&self, schema: &str, name: &str, signature: &str) -> &Body {
        let (bodies, usual) = self.bodies.get_or_init(|| {
            let known = Known::new(self.catalog);
            let of = |(_, entry): (_, &'c specc_catalog::Entry)| match &entry.object {
                Object::Function(function) => {
                    let body = known.of_body(function).filter(|body| !body.unread)?;
                    let tables = body.references.into_iter().filter_map(|reference| match reference.target {
                        Target::Relation(name) => Some(TableName::new(name.schema, name.name)),
                        _ => None,
                    });
                    let tables: BTreeSet<TableName> = tables.collect();
                    Some((entry.object.id(), Body { throws: body.codes, tables }))
                }
                _ => None,
            };
            let usual = Body { throws: vec![SmolStr::new_static("P0001")], tables: BTreeSet::new() };
            (self.catalog.iter().filter_map(of).collect(), usual)
        });
        bodies.get(&ObjectId::new(Kind::Function, schema, name).part(signature)).unwrap_or(usual)
    }

    /// The SQLSTATEs with which the constraints of a table refuse a row.
    pub(crate) fn held(&self, table: &TableName) -> BTreeSet<&'static str> {
        let of = |constraint: &&Constraint| match &constraint.rule {
            Rule::PrimaryKey { .. } | Rule::Unique { .. } => "23505",
            Rule::Check { .. } => "23514",
            Rule::ForeignKey(_) => "23503",
            Rule::Exclude { .. } => "23P01",
        };
        let mut all: BTreeSet<&'static str> = self.constraints.get(table).into_iter().flatten().map(of).collect();
        if self.relation(table).is_some_and(|relation| relation.columns.iter().any(|column| !column.nullable)) {
            all.insert("23502");
        }
        all
    }

    /// The checks that hold for the rows of a table.
    pub(crate) fn checks(&self, name: &TableName) -> Vec<Check<'c>> {
        let mut all: Vec<Check<'c>> = Vec::new();
        self.add_checks(name, true, 0, &mut all);
        all
    }

    fn add_checks(&self, name: &TableName, own: bool, depth: usize, all: &mut Vec<Check<'c>>) {
        for constraint in self.constraints.get(name).into_iter().flatten() {
            let Rule::Check { expr, no_inherit } = &constraint.rule else { continue };
            if (own || !no_inherit) && all.iter().all(|known| *known.name != constraint.name) {
                all.push(Check { name: &constraint.name, text: &expr.text, not_valid: constraint.not_valid });
            }
        }
        let table = self.catalog.find(IdRef::table(name)).and_then(|at| self.catalog.at(at));
        let Some(Object::Table(table)) = table.map(|(_, entry)| &entry.object).filter(|_| depth < DEEP) else { return };
        let parents = table.inherits.iter().chain(table.partition_of.as_ref().map(|(parent, _)| parent));
        parents.for_each(|parent| self.add_checks(parent, false, depth + 1, all));
    }

    /// A column's type: of a domain, the type below it.
    fn stored(&self, ty: &specc_catalog::DataType) -> Format {
        match self.shapes.domain(ty).filter(|_| ty.dims == 0) {
            Some(domain) => Format::of(&domain.base),
            None => Format::of(ty),
        }
    }

    pub(crate) fn is_shown(&self, schema: &str) -> bool {
        self.schemas.iter().any(|shown| shown == schema)
    }

    /// The relations of a schema: its tables, or its views.
    pub(crate) fn relations_of<'w>(&'w self, schema: &'w str, tables: bool) -> impl Iterator<Item = &'w Relation> {
        let is = move |relation: &&Relation| {
            relation.name.schema == schema && (relation.kind == RelationKind::Table) == tables
        };
        self.relations.iter().filter(is)
    }

    /// The relation that is shown under this name.
    pub(crate) fn relation(&self, name: &TableName) -> Option<&Relation> {
        self.place(name).map(|at| &self.relations[at])
    }

    /// Its place among those that are shown.
    pub(crate) fn place(&self, name: &TableName) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// Schema and labels of the enum of this name: of this schema, or else the first.
    pub(crate) fn labels(&self, name: &str, schema: &str) -> Option<(&'c str, &'c [SmolStr])> {
        let all = self.enums.get(name)?.iter().filter(|found| !found.labels.is_empty());
        let found = all.clone().find(|found| found.schema == schema).or_else(|| all.clone().next())?;
        Some((&found.schema, &found.labels))
    }

    /// The schema of the composite type of this name: this one, or else that of the first.
    pub(crate) fn composite(&self, name: &str, schema: &str) -> Option<&'c str> {
        let all = self.composites.get(name)?.iter().filter(|found| !found.fields.is_empty());
        let found = all.clone().find(|found| found.schema == schema).or_else(|| all.clone().next())?;
        Some(&found.schema)
    }

    /// The relation whose row is the type of this name: of this schema, or else the first.
    pub(crate) fn row(&self, name: &str, schema: &str) -> Option<&Relation> {
        let all = self.rows.get(name)?.iter().map(|at| &self.relations[*at]);
        all.clone().find(|relation| relation.name.schema == schema).or_else(|| all.clone().next())
    }

    /// The enums of a schema by name.
    pub(crate) fn enums_of(&self, schema: &str) -> Vec<&'c Enum> {
        let all = self.catalog.iter().filter_map(|(_, entry)| match &entry.object {
            Object::Enum(found) if found.schema == schema && !found.labels.is_empty() => Some(found),
            _ => None,
        });
        let mut all: Vec<_> = all.collect();
        all.sort_by(|a, b| compare(&a.name, &b.name).then_with(|| a.name.cmp(&b.name)));
        all
    }

    /// The composite types of a schema by name.
    pub(crate) fn composites_of(&self, schema: &str) -> Vec<&'c Composite> {
        let all = self.catalog.iter().filter_map(|(_, entry)| match &entry.object {
            Object::Composite(found) if found.schema == schema && !found.fields.is_empty() => Some(found),
            _ => None,
        });
        let mut all: Vec<_> = all.collect();
        all.sort_by(|a, b| compare(&a.name, &b.name).then_with(|| a.name.cmp(&b.name)));
        all
    }

    /// What the catalog does not tell.
    pub(crate) fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        for relation in self.relations.iter().filter(|relation| relation.kind != RelationKind::Table) {
            let name = format!("{}.{}", relation.name.schema, relation.name.name);
            match self.shapes.view(&relation.name) {
                None => {
                    doubts.push(format!("the query of the view `{name}` cannot be read, so it has no columns here"))
                }
                Some(shape) => {
                    let open = shape.columns.iter().filter(|column| column.ty.is_none());
                    doubts.extend(open.map(|column| format!("the type of `{name}.{}` is not known", column.name)));
                }
            }
        }
        for (_, entry) in self.catalog.iter() {
            match &entry.object {
                Object::Extension(extension) if self.is_shown(&extension.schema) => doubts.push(format!(
                    "the extension `{}` is in the schema `{}`: its functions and types are left out",
                    extension.name, extension.schema
                )),
                _ => {}
            }
        }
        doubts
    }
}

/// Which views can be written to.
struct Writes<'w, 'c> {
    shapes: &'w Shapes<'c>,
    /// Views with a trigger instead of an insert, and of an update.
    fires: &'w FxHashMap<&'c TableName, (bool, bool)>,
    /// Of views, the columns that are written through theirs, by name: each column is asked for by itself.
    through: RefCell<FxHashMap<TableName, Rc<FxHashMap<SmolStr, SmolStr>>>>,
}

/// How far a view over a view is followed.
const DEEP: usize = 32;

impl Writes<'_, '_> {
    /// Whether rows can be inserted and updated through a relation, with triggers or without, as far as these columns go.
    fn events(&self, name: &TableName, triggers: bool, only: Option<&[SmolStr]>, depth: usize) -> (bool, bool) {
        let Some(shape) = self.shapes.view(name) else {
            // A table; of a view that cannot be read, nothing is said.
            return (true, true);
        };
        let fires = self.fires.get(name).copied().filter(|_| triggers).unwrap_or_default();
        let Some(base) = shape.base.as_ref().filter(|_| depth < DEEP) else { return fires };
        let through = self.through(name, &shape);
        let below: Vec<SmolStr> = match only {
            None => through.values().cloned().collect(),
            Some(only) => only.iter().filter_map(|name| through.get(name).cloned()).collect(),
        };
        if below.is_empty() {
            return fires;
        }
        let base = self.events(&TableName::new(&*base.schema, &*base.name), triggers, Some(&below), depth + 1);
        (fires.0 || base.0, fires.1 || base.1)
    }

    fn through(&self, name: &TableName, shape: &Shape) -> Rc<FxHashMap<SmolStr, SmolStr>> {
        let mut known = self.through.borrow_mut();
        let found = known.entry(name.clone()).or_insert_with(|| {
            let columns = shape.columns.iter();
            Rc::new(columns.filter_map(|column| Some((column.name.clone(), column.writes.clone()?))).collect())
        });
        found.clone()
    }

    fn column(&self, view: &TableName, column: &SmolStr) -> bool {
        let fires = self.fires.get(view).copied().unwrap_or_default();
        fires.0 || fires.1 || self.events(view, false, Some(std::slice::from_ref(column)), 0).1
    }
}
