//! What the spec says of the way from the last state: `was` and `backfill`.

use super::tables::bare;
use super::{own, table_of};
use smol_str::SmolStr;
use specc_catalog::{Hints, Kind, ObjectId, Rename};
use specc_model::{Meta, Model, Qualified};

/// All that the spec says.
pub fn hints(model: &Model) -> Hints {
    let mut hints = Hints::default();
    let mut whole = |kind: Kind, schema: &SmolStr, name: &SmolStr, was: Option<&SmolStr>| {
        if let Some(was) = was {
            let id = ObjectId::new(kind, schema.clone(), name.clone());
            hints.renames.push(Rename { id, part: None, was: was.clone() });
        }
    };
    let mut named =
        |kind: Kind, name: &Qualified, meta: &Meta| whole(kind, &name.schema, &name.name, meta.was.as_ref());
    model.enums.iter().for_each(|it| named(Kind::Enum, &it.name, &it.meta));
    model.domains.iter().for_each(|it| named(Kind::Domain, &it.name, &it.meta));
    model.composites.iter().for_each(|it| named(Kind::Composite, &it.name, &it.meta));
    model.sequences.iter().for_each(|it| named(Kind::Sequence, &it.name, &it.meta));
    model.views.iter().for_each(|it| named(Kind::View, &it.name, &it.meta));
    model.functions.iter().for_each(|it| named(Kind::Function, &it.name, &it.meta));
    own(model).for_each(|(_, it)| named(Kind::Table, &it.name, &it.meta));
    let nothing = SmolStr::default();
    model.schemas.iter().for_each(|it| whole(Kind::Schema, &nothing, &it.name, it.meta.was.as_ref()));
    model.roles.iter().for_each(|it| whole(Kind::Role, &nothing, &it.name, it.meta.was.as_ref()));
    for (_, entity) in own(model) {
        for index in &entity.indexes {
            whole(Kind::Index, &entity.name.schema, &index.name, index.meta.was.as_ref());
        }
    }
    for it in &model.enums {
        for label in &it.labels {
            if let Some(was) = &label.was {
                let id = ObjectId::new(Kind::Enum, it.name.schema.clone(), it.name.name.clone());
                hints.renames.push(Rename { id, part: Some(label.name.clone()), was: was.clone() });
            }
        }
    }
    for (_, entity) in own(model) {
        for field in &entity.fields {
            if let Some(was) = &field.meta.was {
                let part = Some(field.name.clone());
                hints.renames.push(Rename { id: table_of(entity).id(), part, was: was.clone() });
            }
            if let Some(value) = &field.backfill {
                hints.backfills.push((table_of(entity), field.name.clone(), bare(model, entity.id, value)));
            }
        }
    }
    hints
}
