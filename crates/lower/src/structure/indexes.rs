//! Indexes: declared ones, those that a unique or a search needs, and those that keep references and limits fast.

use super::tables::{bare, column_names, exprs_of, field_of, index_key};
use super::types::storage_options;
use super::{Ground, Made, Room, names, own, table_of};
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use specc_catalog as catalog;
use specc_catalog::{Entry, IndexKey, Object, Rule};
use specc_diag::Span;
use specc_model::{Element, Entity, FieldIx, Index, Search, Unique};

pub(super) fn lower(room: &mut Room) {
    let model = room.model;
    room.each_entity(|ground, entity, made| {
        for unique in entity.uniques.iter().filter(|u| u.is_index()) {
            unique_index(ground, entity, unique, made);
        }
        for index in &entity.indexes {
            declared(ground, entity, index, made);
        }
        for search in &entity.searches {
            search_index(entity, search, made);
        }
    });
    // After all declared ones, which keep their names.
    let mut taken = relation_names(room);
    for (_, entity) in own(model) {
        let mut served: Vec<Vec<FieldIx>> = Vec::new();
        for id in &entity.outgoing {
            let relation = model.relation(*id);
            if model.options.derive && !relation.options.no_index {
                lookup_index(room, entity, &relation.fields, relation.span, &mut served, &mut taken);
            }
        }
        for limit in entity.limits.iter().filter(|l| !l.per.is_empty()) {
            lookup_index(room, entity, &limit.per, limit.span, &mut served, &mut taken);
        }
    }
}

fn unique_index(ground: &Ground<'_>, entity: &Entity, unique: &Unique, made: &mut Made) {
    let model = ground.model;
    let index = catalog::Index {
        table: table_of(entity),
        name: unique.name.clone(),
        unique: true,
        method: "btree".into(),
        keys: unique.elements.iter().map(|e| index_key(model, entity, e)).collect(),
        include: column_names(entity, &unique.include),
        filter: unique.filter.as_deref().map(|f| bare(model, entity.id, f)),
        options: Default::default(),
        nulls_not_distinct: unique.nulls_not_distinct,
    };
    let mut entry = Entry::new(index);
    entry.comment = unique.doc.clone();
    for expr in exprs_of(unique.elements.iter(), unique.filter.as_ref()) {
        entry.depends.extend(ground.lookup.of_expr(model, expr));
    }
    entry.area = entity.meta.area.clone();
    made.add(entry, unique.span);
}

fn declared(ground: &Ground<'_>, entity: &Entity, index: &Index, made: &mut Made) {
    let model = ground.model;
    let object = catalog::Index {
        table: table_of(entity),
        name: index.name.clone(),
        unique: index.unique,
        method: index.method.clone(),
        keys: index.elements.iter().map(|e| index_key(model, entity, e)).collect(),
        include: column_names(entity, &index.include),
        filter: index.filter.as_deref().map(|f| bare(model, entity.id, f)),
        options: storage_options(&index.options),
        nulls_not_distinct: index.nulls_not_distinct,
    };
    let mut entry = Entry::new(object);
    entry.depends = super::tables::stated(model, entity);
    entry.depends.extend(index.elements.iter().filter_map(|e| ground.lookup.of_collation(e.collation.as_ref())));
    for expr in exprs_of(index.elements.iter(), index.filter.as_ref()) {
        entry.depends.extend(ground.lookup.of_expr(model, expr));
    }
    entry.comment = index.meta.doc.clone();
    entry.area = entity.meta.area.clone();
    made.add(entry, index.span);
}

fn search_index(entity: &Entity, search: &Search, made: &mut Made) {
    let field = &entity.fields[search.field];
    let mut entry = Entry::new(plain(entity, search.index_name.clone(), "gin", &[search.field]));
    entry.area = entity.meta.area.clone();
    made.add(entry, field.meta.span);
}

/// An index without any of the extras.
pub(crate) fn plain(entity: &Entity, name: SmolStr, method: &str, fields: &[FieldIx]) -> catalog::Index {
    catalog::Index {
        table: table_of(entity),
        name,
        unique: false,
        method: method.into(),
        keys: column_names(entity, fields).into_iter().map(IndexKey::column).collect(),
        include: Vec::new(),
        filter: None,
        options: Default::default(),
        nulls_not_distinct: false,
    }
}

/// Without an index, deleting a parent (or counting towards a limit) reads the whole table.
fn lookup_index(
    room: &mut Room,
    entity: &Entity,
    fields: &[FieldIx],
    span: Span,
    served: &mut Vec<Vec<FieldIx>>,
    taken: &mut FxHashSet<(SmolStr, SmolStr)>,
) {
    if is_served(entity, fields) || served.iter().any(|other| leads(other.iter().copied().map(Some), fields)) {
        return;
    }
    served.push(fields.to_vec());
    let columns = column_names(entity, fields);
    let columns: Vec<&str> = columns.iter().map(SmolStr::as_str).collect();
    // As Postgres does: a number at the end where the name is taken.
    let name = (0..)
        .map(|n| if n == 0 { "idx".to_owned() } else { format!("idx{n}") })
        .map(|label| names::conventional(&entity.name.name, &columns, &label))
        .find(|name| taken.insert((entity.name.schema.clone(), name.clone())))
        .unwrap_or_default();
    let mut entry = Entry::new(plain(entity, name, "btree", fields));
    entry.area = entity.meta.area.clone();
    room.add(entry, span);
}

/// Whether a key, unique or full index has these fields in front, in any order.
fn is_served(entity: &Entity, fields: &[FieldIx]) -> bool {
    let over = |elements: &[Element]| elements.iter().map(|e| field_of(&e.on)).collect::<Vec<_>>();
    entity.key.as_ref().is_some_and(|key| leads(key.fields.iter().copied().map(Some), fields))
        || entity.uniques.iter().any(|u| u.filter.is_none() && leads(over(&u.elements).into_iter(), fields))
        || entity.indexes.iter().any(|index| {
            let whole_only = index.method == "hash" && fields.len() > 1;
            index.filter.is_none()
                && matches!(index.method.as_str(), "btree" | "hash")
                && !whole_only
                && leads(over(&index.elements).into_iter(), fields)
        })
}

fn leads(elements: impl Iterator<Item = Option<FieldIx>>, fields: &[FieldIx]) -> bool {
    let front: Vec<_> = elements.take(fields.len()).collect();
    front.len() == fields.len() && fields.iter().all(|f| front.contains(&Some(*f)))
}

/// Tables, views, sequences and indexes of a schema share one space of names.
fn relation_names(room: &Room) -> FxHashSet<(SmolStr, SmolStr)> {
    let views = room.model.views.iter().map(|v| (v.name.schema.clone(), v.name.name.clone()));
    let objects = room.out.catalog.iter().filter_map(|(_, entry)| match &entry.object {
        Object::Table(o) => Some((o.table.schema.clone(), o.table.name.clone())),
        Object::Sequence(o) => Some((o.schema.clone(), o.name.clone())),
        Object::Index(o) => Some((o.table.schema.clone(), o.name.clone())),
        Object::Constraint(o) => match o.rule {
            Rule::PrimaryKey { .. } | Rule::Unique { .. } | Rule::Exclude { .. } => {
                Some((o.table.schema.clone(), o.name.clone()))
            }
            Rule::Check { .. } | Rule::ForeignKey(_) => None,
        },
        _ => None,
    });
    objects.chain(views).collect()
}
