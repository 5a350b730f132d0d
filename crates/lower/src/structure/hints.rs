//! What the spec says of the way from the last state: `was`, `backfill`, `using` and `from`.

use super::tables::{bare, column_names};
use super::types::{constant, table_name};
use super::{own, table_of};
use crate::types::data_type;
use smol_str::SmolStr;
use specc_catalog::{Hints, Kind, ObjectId, Rename, RowsBranch, RowsFrom};
use specc_model::formula::Node;
use specc_model::{Expr, Meta, Model, Qualified, former_fields, former_names};

/// All that the spec says.
pub fn hints(model: &Model) -> Hints {
    let mut hints = Hints::default();
    let mut whole = |kind: Kind, schema: &SmolStr, name: &SmolStr, meta: &Meta| {
        if let Some(was) = &meta.was {
            let id = ObjectId::new(kind, schema.clone(), name.clone());
            let was_in = meta.was_in.clone().filter(|was| was != schema);
            hints.renames.push(Rename { id, part: None, was: was.clone(), was_in });
        }
    };
    let mut named = |kind: Kind, name: &Qualified, meta: &Meta| whole(kind, &name.schema, &name.name, meta);
    model.enums.iter().for_each(|it| named(Kind::Enum, &it.name, &it.meta));
    model.domains.iter().for_each(|it| named(Kind::Domain, &it.name, &it.meta));
    model.composites.iter().for_each(|it| named(Kind::Composite, &it.name, &it.meta));
    model.sequences.iter().for_each(|it| named(Kind::Sequence, &it.name, &it.meta));
    model.views.iter().for_each(|it| named(Kind::View, &it.name, &it.meta));
    model.functions.iter().for_each(|it| named(Kind::Function, &it.name, &it.meta));
    own(model).for_each(|(_, it)| named(Kind::Table, &it.name, &it.meta));
    let nothing = SmolStr::default();
    model.schemas.iter().for_each(|it| whole(Kind::Schema, &nothing, &it.name, &it.meta));
    model.roles.iter().for_each(|it| whole(Kind::Role, &nothing, &it.name, &it.meta));
    for (_, entity) in own(model) {
        for index in &entity.indexes {
            whole(Kind::Index, &entity.name.schema, &index.name, &index.meta);
        }
    }
    let mut part = |id: ObjectId, now: &SmolStr, was: &SmolStr| {
        hints.renames.push(Rename { id, part: Some(now.clone()), was: was.clone(), was_in: None });
    };
    let id = |kind: Kind, name: &Qualified| ObjectId::new(kind, name.schema.clone(), name.name.clone());
    for it in &model.enums {
        for (label, was) in it.labels.iter().filter_map(|label| Some((label, label.was.as_ref()?))) {
            part(id(Kind::Enum, &it.name), &label.name, was);
        }
    }
    for it in &model.composites {
        it.renamed.iter().for_each(|(now, was)| part(id(Kind::Composite, &it.name), now, was));
    }
    for (_, entity) in own(model) {
        for (field, was) in entity.fields.iter().filter_map(|field| Some((field, field.meta.was.as_ref()?))) {
            part(table_of(entity).id(), &field.name, was);
        }
    }
    for (_, entity) in own(model) {
        for field in &entity.fields {
            if let Some(value) = &field.backfill {
                hints.backfills.push((table_of(entity), field.name.clone(), bare(model, entity.id, value)));
            }
            if let Some(value) = &field.using {
                hints.usings.push((table_of(entity), field.name.clone(), bare(model, entity.id, value)));
            }
        }
    }
    for (_, entity) in own(model) {
        let text = |expr: &Expr| constant(model, expr).text;
        // A literal by itself has no type.
        let value = |expr: &Expr, field: usize| {
            let mut sql = text(expr).to_string();
            if matches!(expr.formula.bare().node, Node::Literal(_)) {
                sql.push_str("::");
                specc_sql::push_type(&mut sql, &data_type(model, &entity.fields[field].ty));
            }
            SmolStr::from(sql)
        };
        for origin in &entity.origins {
            let branches = origin.branches.iter().map(|branch| RowsBranch {
                table: table_name(&branch.table),
                alias: branch.alias.clone(),
                values: branch.values.iter().zip(&origin.columns).map(|(expr, field)| value(expr, *field)).collect(),
                filter: branch.filter.as_deref().map(text),
            });
            hints.froms.push(RowsFrom {
                table: table_of(entity),
                columns: column_names(entity, &origin.columns),
                query: origin.query.clone(),
                branches: branches.collect(),
            });
        }
    }
    for (_, entity) in own(model) {
        let id = table_of(entity).id();
        for was in former_names(model, entity) {
            let was_in = Some(was.schema).filter(|schema| *schema != id.schema);
            hints.former.push(Rename { id: id.clone(), part: None, was: was.name, was_in });
        }
        for field in &entity.fields {
            for was in former_fields(model, entity, field) {
                hints.former.push(Rename { id: id.clone(), part: Some(field.name.clone()), was, was_in: None });
            }
        }
    }
    hints
}
