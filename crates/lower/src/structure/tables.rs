//! Tables, their columns, partitions and constraints.

use super::types::{constant, qualified, storage_options, table_name};
use super::{Ground, Made, Room, table_of};
use crate::expr::{self, RowRef};
use crate::types::data_type;
use smol_str::SmolStr;
use specc_catalog as catalog;
use specc_catalog::{
    Action, Column, Constraint, Dependency, Entry, ForeignKey, IndexKey, KeyOn, Parameters, SqlExpr, Table,
};
use specc_diag::Span;
use specc_model::scope::Scope;
use specc_model::{
    Base, Bounds, Element, Entity, EntityId, Expr, Field, FieldIx, Model, On, Relation, ReplicaIdentity, Rls,
};
use specc_syntax::ast::{DataClass, RefAction, RefActionKind};

pub(super) fn lower(room: &mut Room) {
    room.each_entity(|ground, entity, made| {
        table(ground, entity, made);
        partitions(ground, entity, made);
    });
    room.each_entity(|ground, entity, made| {
        keys(entity, made);
        checks(ground, entity, made);
        excludes(ground, entity, made);
        for id in &entity.outgoing {
            reference(ground, entity, ground.model.relation(*id), made);
        }
    });
}

fn table(ground: &Ground<'_>, entity: &Entity, made: &mut Made) {
    let model = ground.model;
    let mut depends = stated(model, entity);
    for field in &entity.fields {
        depends.extend(ground.lookup.of_type(&field.ty));
        depends.extend(ground.lookup.of_collation(field.collation.as_deref()));
        for expr in field.default.iter().chain(&field.generated) {
            depends.extend(ground.lookup.of_expr(model, expr));
        }
    }
    let partition_by = entity.partition_by.as_ref().map(|by| catalog::PartitionBy {
        method: by.method.clone(),
        keys: by.elements.iter().map(|e| index_key(model, entity, e)).collect(),
    });
    let own = || entity.fields.iter().filter(|f| !f.inherited);
    let mut columns = Vec::with_capacity(own().count());
    columns.extend(own().map(|f| column(model, entity, f)));
    // A partitioned table holds no rows: what is said of storage goes to its partitions.
    let stored = partition_by.is_none();
    let table = Table {
        table: table_of(entity),
        columns,
        unlogged: entity.unlogged && stored,
        partition_by,
        partition_of: None,
        rls: rls(entity.rls),
        options: if stored { storage_options(&entity.options) } else { Parameters::default() },
        replica_identity: replica_identity(entity),
        inherits: entity.inherits.iter().map(|id| table_of(model.entity(*id))).collect(),
    };
    if let Some(mut entry) = ground.entry(table, &entity.meta, depends) {
        entry.counts = crate::behaviour::counts(model, entity);
        let classed = entity.fields.iter().filter_map(|field| Some((field.name.clone(), class(field.class?))));
        entry.classes = classed.collect();
        made.add(entry, entity.meta.span);
    }
}

/// The catalog's word for a class.
pub(super) fn class(class: DataClass) -> catalog::DataClass {
    match class {
        DataClass::Pii => catalog::DataClass::Pii,
        DataClass::Secret => catalog::DataClass::Secret,
    }
}

/// What the entity says that it needs: its table, constraints and indexes come after it.
pub(super) fn stated(model: &Model, entity: &Entity) -> Vec<Dependency> {
    super::depends::declared(model, &entity.depends, "the entity says so")
}

/// The tables that the spec knows and does not make, such as the platform's: with their columns, and nothing else.
pub fn external(model: &Model) -> catalog::Catalog {
    let mut all = catalog::Catalog::new();
    for entity in model.entities.iter().filter(|entity| entity.external) {
        all.insert(Entry::new(Table {
            table: table_of(entity),
            columns: entity.fields.iter().map(|field| column(model, entity, field)).collect(),
            unlogged: false,
            partition_by: None,
            partition_of: None,
            inherits: Vec::new(),
            rls: catalog::Rls::Off,
            options: Default::default(),
            replica_identity: None,
        }));
    }
    all
}

pub(super) fn column(model: &Model, entity: &Entity, field: &Field) -> Column {
    let default = match &field.maintained {
        // Counts and sums start at nothing; the triggers take it from there.
        Some(_) => Some(SqlExpr::new(zero(field))),
        None => field.default.as_deref().map(|e| constant(model, e)),
    };
    let mut column = Column {
        name: field.name.clone(),
        ty: data_type(model, &field.ty),
        nullable: field.nullable,
        default,
        generated: field.generated.as_deref().map(|e| Box::new(bare(model, entity.id, e))),
        virtual_generated: field.is_virtual,
        identity: field.identity.as_deref().map(|(always, o)| Box::new((*always, super::types::sequence_options(o)))),
        collation: field.collation.as_ref().map(|c| Box::new(qualified(c))),
        storage: field.storage.clone(),
        compression: field.compression.clone(),
        statistics: field.statistics.clone(),
        comment: field.meta.doc.clone(),
    };
    if column.statistics.is_none() {
        column.statistics = specc_size::advised(model, entity, &column).map(Box::new);
    }
    column
}

/// Nothing, as the type of a maintained field writes it.
pub(crate) fn zero(field: &Field) -> &'static str {
    match &field.ty.base {
        Base::Builtin(name) if matches!(name.as_str(), "interval" | "money") => "'0'",
        _ => "0",
    }
}

/// Partitions filter too: a query that names a partition directly would otherwise pass by the parent's policies.
fn partitions(ground: &Ground<'_>, entity: &Entity, made: &mut Made) {
    let model = ground.model;
    for partition in &entity.partitions {
        let exprs = |list: &[specc_model::ExprRef]| list.iter().map(|e| bound(model, e)).collect();
        let bounds = match &partition.bounds {
            Bounds::Range { from, to } => catalog::Bounds::Range { from: exprs(from), to: exprs(to) },
            Bounds::List(values) => catalog::Bounds::List(exprs(values)),
            Bounds::Hash { modulus, remainder } => catalog::Bounds::Hash { modulus: *modulus, remainder: *remainder },
            Bounds::Default => catalog::Bounds::Default,
        };
        let mut entry = Entry::new(Table {
            table: table_name(&partition.name),
            columns: Vec::new(),
            unlogged: entity.unlogged,
            partition_by: None,
            partition_of: Some((table_of(entity), bounds)),
            rls: rls(partition.rls.unwrap_or(entity.rls)),
            options: storage_options(if partition.options.is_empty() { &entity.options } else { &partition.options }),
            replica_identity: replica_identity(entity),
            inherits: Vec::new(),
        });
        entry.comment = partition.doc.clone();
        entry.area = entity.meta.area.clone();
        made.add(entry, partition.span);
    }
}

fn bound(model: &Model, expr: &Expr) -> SqlExpr {
    // Words of their own in this place, not columns.
    match expr.text.to_ascii_lowercase().as_str() {
        word @ ("minvalue" | "maxvalue") => SqlExpr::new(word),
        _ => constant(model, expr),
    }
}

/// What the table itself says; an index has a block of its own.
fn replica_identity(entity: &Entity) -> Option<SmolStr> {
    match entity.replica_identity {
        Some(ReplicaIdentity::Full) => Some("full".into()),
        Some(ReplicaIdentity::Nothing) => Some("nothing".into()),
        Some(ReplicaIdentity::Index { .. }) | None => None,
    }
}

fn rls(rls: Rls) -> catalog::Rls {
    match rls {
        Rls::Off => catalog::Rls::Off,
        Rls::On => catalog::Rls::On,
        Rls::Forced => catalog::Rls::Forced,
    }
}

/// A rule with the three things that only some kinds of constraint have.
struct Held {
    rule: catalog::Rule,
    deferrable: bool,
    initially_deferred: bool,
    not_valid: bool,
}

impl Held {
    fn new(rule: catalog::Rule) -> Self {
        Self { rule, deferrable: false, initially_deferred: false, not_valid: false }
    }

    fn deferrable(rule: catalog::Rule, deferrable: bool, initially_deferred: bool) -> Self {
        Self { deferrable: deferrable || initially_deferred, initially_deferred, ..Self::new(rule) }
    }
}

fn constrain(
    made: &mut Made,
    entity: &Entity,
    name: &SmolStr,
    held: Held,
    depends: Vec<Dependency>,
    doc: Option<&SmolStr>,
    span: Span,
) {
    let mut entry = Entry::new(Constraint {
        table: table_of(entity),
        name: name.clone(),
        rule: held.rule,
        deferrable: held.deferrable,
        initially_deferred: held.initially_deferred,
        not_valid: held.not_valid,
    });
    entry.comment = doc.cloned();
    entry.area = entity.meta.area.clone();
    entry.depends = depends;
    made.add(entry, span);
}

fn keys(entity: &Entity, made: &mut Made) {
    if let Some(key) = &entity.key {
        let rule = catalog::Rule::PrimaryKey {
            columns: column_names(entity, &key.fields),
            include: column_names(entity, &key.include),
        };
        let held = Held::deferrable(rule, key.deferrable, key.initially_deferred);
        constrain(made, entity, &key.name, held, Vec::new(), key.doc.as_ref(), key.span);
    }
    for unique in entity.uniques.iter().filter(|u| !u.is_index()) {
        let fields: Vec<_> = unique.elements.iter().filter_map(|e| field_of(&e.on)).collect();
        let rule = catalog::Rule::Unique {
            columns: column_names(entity, &fields),
            include: column_names(entity, &unique.include),
            nulls_not_distinct: unique.nulls_not_distinct,
        };
        let held = Held::deferrable(rule, unique.deferrable, unique.initially_deferred);
        constrain(made, entity, &unique.name, held, Vec::new(), unique.doc.as_ref(), unique.span);
    }
}

fn checks(ground: &Ground<'_>, entity: &Entity, made: &mut Made) {
    let model = ground.model;
    for check in &entity.checks {
        let expr = bare(model, entity.id, &check.expr);
        let rule = catalog::Rule::Check { expr, no_inherit: check.no_inherit };
        let held = Held { not_valid: check.not_valid, ..Held::new(rule) };
        let mut depends = ground.lookup.of_expr(model, &check.expr);
        depends.extend(stated(model, entity));
        constrain(made, entity, &check.name, held, depends, check.doc.as_ref(), check.span);
    }
}

fn excludes(ground: &Ground<'_>, entity: &Entity, made: &mut Made) {
    let model = ground.model;
    for exclude in &entity.excludes {
        let elements = exclude.elements.iter();
        let rule = catalog::Rule::Exclude {
            method: exclude.method.clone(),
            elements: elements.map(|(e, operator)| (index_key(model, entity, e), operator.clone())).collect(),
            filter: exclude.filter.as_deref().map(|f| bare(model, entity.id, f)),
        };
        let mut depends = stated(model, entity);
        for expr in exprs_of(exclude.elements.iter().map(|(e, _)| e), exclude.filter.as_ref()) {
            depends.extend(ground.lookup.of_expr(model, expr));
        }
        let held = Held::deferrable(rule, exclude.deferrable, exclude.initially_deferred);
        constrain(made, entity, &exclude.name, held, depends, exclude.doc.as_ref(), exclude.span);
    }
}

fn reference(ground: &Ground<'_>, entity: &Entity, relation: &Relation, made: &mut Made) {
    let target = ground.model.entity(relation.to);
    let options = &relation.options;
    let rule = catalog::Rule::ForeignKey(ForeignKey {
        columns: column_names(entity, &relation.fields),
        target: table_of(target),
        target_columns: column_names(target, &relation.to_fields),
        on_delete: action(options.on_delete.as_ref()),
        on_delete_columns: options.on_delete.iter().flat_map(|a| a.columns.iter().map(|c| c.text.clone())).collect(),
        on_update: action(options.on_update.as_ref()),
        match_full: options.match_full,
    });
    let held = Held::deferrable(rule, options.deferrable, options.initially_deferred);
    let held = Held { not_valid: options.not_valid, ..held };
    // Citus asks where both tables are when the reference is made.
    let shared = [entity, target].into_iter().filter_map(|of| super::distribution::block(ground.model, of));
    let depends = shared.map(|on| Dependency::new(on, "where rows are is decided before")).collect();
    constrain(made, entity, &relation.constraint, held, depends, relation.doc.as_ref(), relation.span);
}

fn action(action: Option<&RefAction>) -> Action {
    match action.map(|a| a.kind) {
        None | Some(RefActionKind::NoAction) => Action::NoAction,
        Some(RefActionKind::Restrict) => Action::Restrict,
        Some(RefActionKind::Cascade) => Action::Cascade,
        Some(RefActionKind::SetNull) => Action::SetNull,
        Some(RefActionKind::SetDefault) => Action::SetDefault,
    }
}

/// An expression over the columns of the table that it belongs to.
pub(crate) fn bare(model: &Model, entity: EntityId, expr: &Expr) -> SqlExpr {
    expr::lower(model, &Scope::of(entity), &[RowRef::Bare], expr)
}

/// The names of fields.
pub(crate) fn column_names(entity: &Entity, fields: &[FieldIx]) -> Vec<SmolStr> {
    fields.iter().map(|f| entity.fields[*f].name.clone()).collect()
}

/// The field that an element is over, if it is one.
pub(crate) fn field_of(on: &On) -> Option<FieldIx> {
    match on {
        On::Field(field) => Some(*field),
        On::Expr(_) => None,
    }
}

/// The expressions among elements, and a filter.
pub(super) fn exprs_of<'a>(
    elements: impl Iterator<Item = &'a Element>,
    filter: Option<&'a specc_model::ExprRef>,
) -> impl Iterator<Item = &'a Expr> {
    elements
        .filter_map(|e| match &e.on {
            On::Expr(expr) => Some(&**expr),
            On::Field(_) => None,
        })
        .chain(filter.map(|f| &**f))
}

/// An element as the catalog says it.
pub(super) fn index_key(model: &Model, entity: &Entity, element: &Element) -> IndexKey {
    let on = match &element.on {
        On::Field(field) => KeyOn::Column(entity.fields[*field].name.clone()),
        On::Expr(expr) => KeyOn::Expr(bare(model, entity.id, expr)),
    };
    key_over(on, element)
}

/// The same, where what it is over is known.
pub(super) fn key_over(on: KeyOn, element: &Element) -> IndexKey {
    IndexKey {
        on,
        collation: element.collation.as_ref().map(qualified).map(Box::new),
        opclass: element.opclass.as_ref().map(qualified).map(Box::new),
        desc: element.desc,
        // Said only where it differs from where Postgres puts them: last, or first if descending.
        nulls_first: element.nulls_first.filter(|first| *first != element.desc),
    }
}
