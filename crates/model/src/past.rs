//! What the last state has and the spec has no more: a change may fill what is new from it before it goes.

use crate::types::*;
use smol_str::SmolStr;
use specc_catalog::{Catalog, Column, DataType, Entry, Object, Table, TableName};

/// The table that an entity was in the last state, by the name that it had there.
pub(crate) fn table_before<'m>(model: &'m Model, entity: &Entity) -> Option<&'m Table> {
    let last = model.options.last.as_deref()?;
    // By the schema's own old name, too.
    let home = |schema: &SmolStr| {
        let declared = model.schemas.iter().find(|it| it.name == *schema);
        declared
            .and_then(|it| it.meta.was.clone())
            .filter(|was| has_schema(last, was))
            .unwrap_or_else(|| schema.clone())
    };
    let own = TableName::new(entity.name.schema.clone(), entity.name.name.clone());
    let was = entity.meta.was.as_ref().map(|was| {
        let schema = entity.meta.was_in.clone().unwrap_or_else(|| home(&entity.name.schema));
        TableName::new(schema, was.clone())
    });
    // What was said before is done: then it has its own name.
    let done = last.said.renames.iter().any(|it| it.part.is_none() && it.id == own.id());
    let was = was.filter(|_| !done).and_then(|was| table(last, &was));
    was.or_else(|| table(last, &own)).or_else(|| table(last, &TableName::new(home(&own.schema), own.name)))
}

/// The column that a field was in the last state.
pub(crate) fn column_before<'m>(model: &'m Model, entity: &Entity, field: &Field) -> Option<&'m Column> {
    let last = model.options.last.as_deref()?;
    let before = table_before(model, entity)?;
    let column = |name: &SmolStr| before.columns.iter().find(|column| column.name == *name);
    let own = TableName::new(entity.name.schema.clone(), entity.name.name.clone()).id();
    let done = last.said.renames.iter().any(|it| it.id == own && it.part.as_ref() == Some(&field.name));
    let was = field.meta.was.as_ref().filter(|_| !done);
    was.and_then(column).or_else(|| column(&field.name))
}

/// Whether the last state was told what values of the field become in another type: it may be done.
pub(crate) fn used(model: &Model, entity: &Entity, field: &Field) -> bool {
    let table = TableName::new(entity.name.schema.clone(), entity.name.name.clone());
    model.options.last.as_deref().is_some_and(|last| last.said.using(&table, &field.name).is_some())
}

/// The names that an entity had before its own, the first one first.
pub fn former_names(model: &Model, entity: &Entity) -> Vec<Qualified> {
    let Some(last) = model.options.last.as_deref() else { return Vec::new() };
    let Some(before) = table_before(model, entity) else { return Vec::new() };
    let id = before.table.id();
    let told = last.said.former.iter().filter(|it| it.part.is_none() && it.id == id);
    let name = |schema: &SmolStr, name: &SmolStr| Qualified { schema: schema.clone(), name: name.clone() };
    let mut names: Vec<_> = told.map(|it| name(it.was_in.as_ref().unwrap_or(&id.schema), &it.was)).collect();
    names.push(name(&before.table.schema, &before.table.name));
    each_once(names, &entity.name)
}

/// The names that a field had before its own.
pub fn former_fields(model: &Model, entity: &Entity, field: &Field) -> Vec<SmolStr> {
    let Some(last) = model.options.last.as_deref() else { return Vec::new() };
    let Some((before, table)) = column_before(model, entity, field).zip(table_before(model, entity)) else {
        return Vec::new();
    };
    let id = table.table.id();
    let told = last.said.former.iter().filter(|it| it.part.as_ref() == Some(&before.name) && it.id == id);
    let names = told.map(|it| it.was.clone()).chain([before.name.clone()]).collect();
    each_once(names, &field.name)
}

/// Each of some names of before once, without the name of now.
fn each_once<T: PartialEq>(names: Vec<T>, now: &T) -> Vec<T> {
    let mut once = Vec::with_capacity(names.len());
    for name in names {
        if name != *now && !once.contains(&name) {
            once.push(name);
        }
    }
    once
}

/// Whether a backfill of the field fills rows: the field is new in a table that is there, or becomes required.
pub(crate) fn fills(model: &Model, entity: &Entity, field: &Field) -> bool {
    table_before(model, entity).is_some()
        && column_before(model, entity, field).is_none_or(|before| before.nullable && !field.nullable)
}

fn has_schema(last: &Catalog, name: &SmolStr) -> bool {
    last.iter().any(|(_, entry)| matches!(&entry.object, Object::Schema(o) if o.name == *name))
}

/// A table of a state.
pub(crate) fn table<'m>(last: &'m Catalog, name: &TableName) -> Option<&'m Table> {
    match last.get(&name.id()) {
        Some(Entry { object: Object::Table(table), .. }) => Some(table),
        _ => None,
    }
}

/// The columns that an entity had and has no more, under no name; none of a type that is not known.
pub(crate) fn gone_columns(model: &Model, entity: EntityId) -> Vec<(SmolStr, Option<Type>)> {
    let entity = model.entity(entity);
    let Some(before) = table_before(model, entity) else { return Vec::new() };
    let stays =
        |name: &SmolStr| entity.fields.iter().any(|field| field.name == *name || field.meta.was.as_ref() == Some(name));
    let gone = before.columns.iter().filter(|column| !stays(&column.name));
    gone.map(|column| (column.name.clone(), type_of(model, &column.ty))).collect()
}

/// The type of the model behind one of the last state; none where it is not known.
pub(crate) fn type_of(model: &Model, ty: &DataType) -> Option<Type> {
    let named = |name: &Qualified| name.schema == ty.schema && name.name == ty.name;
    let at = |at: Option<usize>| at.map(|at| at as u32);
    let base = if ty.schema.is_empty() {
        Base::Builtin(ty.name.clone())
    } else if let Some(id) = at(model.enums.iter().position(|it| named(&it.name))) {
        Base::Enum(EnumId(id))
    } else if let Some(id) = at(model.domains.iter().position(|it| named(&it.name))) {
        Base::Domain(DomainId(id))
    } else {
        let id = at(model.composites.iter().position(|it| named(&it.name)))?;
        Base::Composite(CompositeId(id))
    };
    Some(Type { base, args: Vec::new(), dims: ty.dims })
}
