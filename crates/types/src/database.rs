//! The type `Database`: for each schema its tables, views, functions, enums and composite types.

use crate::formats::{Format, nullable, of_column, type_of};
use crate::functions::{self, Named};
use crate::print::{self, Field, Ts};
use crate::relationships::{self, Relationship};
use crate::world::{Column, Relation, RelationKind, World};

/// Writes it.
pub(crate) fn write(world: &World<'_>, out: &mut String) {
    let relationships = relationships::all(world);
    let schema = |schema: &smol_str::SmolStr| {
        let functions = functions::of_schema(world, schema);
        let fields = functions::fields(world, &functions);
        let relation = |relation: &Relation| {
            let leads = relationships.get(&relation.name).map(Vec::as_slice).unwrap_or_default();
            Field::new(
                &relation.name.name,
                of_relation(world, relation, fields.get(&relation.name.name).map_or(&[], Vec::as_slice), leads),
            )
        };
        let tables = world.relations_of(schema, true).map(relation).collect();
        let views = world.relations_of(schema, false).map(relation).collect();
        let called = |named: &Named<'_>| Field::new(named.name, named.signature(world, schema));
        let enums = world.enums_of(schema).into_iter().map(|found| {
            let labels = found.labels.iter().map(|label| Ts::Text(label.to_string())).collect();
            Field::new(&found.name, one_of(labels))
        });
        let composites = world.composites_of(schema).into_iter().map(|found| {
            let fields = found.fields.iter().map(|(name, ty, _)| field_of(world, name, ty));
            Field::new(&found.name, Ts::tall(fields.collect()))
        });
        let parts = vec![
            Field::new("Tables", or_none(tables)),
            Field::new("Views", or_none(views)),
            Field::new("Functions", or_none(functions.iter().map(called).collect())),
            Field::new("Enums", or_none(enums.collect())),
            Field::new("CompositeTypes", or_none(composites.collect())),
        ];
        Field::new(schema, Ts::tall(parts))
    };
    out.push_str("export type Database = ");
    print::write(out, &Ts::tall(world.schemas.iter().map(schema).collect()), 0, 0);
    out.push_str("\n\n");
}

fn field_of(world: &World<'_>, name: &str, ty: &specc_catalog::DataType) -> Field {
    Field::new(name, nullable(type_of(world, &Format::of(ty)), true))
}

fn one_of(mut all: Vec<Ts>) -> Ts {
    if all.len() == 1 { all.remove(0) } else { Ts::Union(all) }
}

/// What is empty has no key at all.
fn or_none(fields: Vec<Field>) -> Ts {
    match fields.is_empty() {
        true => Ts::tall(vec![Field { key: "[_ in never]".to_owned(), optional: false, ty: Ts::word("never") }]),
        false => Ts::tall(fields),
    }
}

fn of_relation(
    world: &World<'_>,
    relation: &Relation,
    fields: &[(smol_str::SmolStr, Ts)],
    leads: &[Relationship],
) -> Ts {
    let column = |column: &Column, optional: bool, may_be_null: bool| {
        let ty = nullable(of_column(world, column), may_be_null);
        Field::optional(&column.name, optional, ty)
    };
    let names: Vec<Ts> = fields.iter().map(|(name, _)| Ts::Text(name.to_string())).collect();
    let mut row: Vec<Field> = relation.columns.iter().map(|found| column(found, false, found.nullable)).collect();
    row.extend(fields.iter().map(|(name, ty)| Field::new(name, ty.clone())));
    let mut parts = vec![Field::new("Row", Ts::tall(row))];
    parts.push(Field::new("ComputedFields", if names.is_empty() { Ts::word("never") } else { one_of(names) }));
    let is_table = relation.kind == RelationKind::Table;
    let written = |insert: bool| {
        let one = |found: &Column| match (found.written, is_table) {
            (false, _) => Field::optional(&found.name, true, Ts::word("never")),
            (true, true) => column(found, !insert || found.optional, found.nullable),
            (true, false) => column(found, true, true),
        };
        Ts::tall(relation.columns.iter().map(one).collect())
    };
    if relation.writes.0 {
        parts.push(Field::new("Insert", written(true)));
    }
    if relation.writes.1 {
        parts.push(Field::new("Update", written(false)));
    }
    parts.push(Field::new("Relationships", Ts::Tuple(leads.iter().map(lead).collect())));
    Ts::tall(parts)
}

fn lead(found: &Relationship) -> Ts {
    let list = |names: &[smol_str::SmolStr]| Ts::Tuple(names.iter().map(|name| Ts::Text(name.to_string())).collect());
    Ts::tall(vec![
        Field::new("foreignKeyName", Ts::Text(found.key.to_string())),
        Field::new("columns", list(&found.columns)),
        Field::new("isOneToOne", Ts::word(if found.one_to_one { "true" } else { "false" })),
        Field::new("referencedRelation", Ts::Text(found.to.name.to_string())),
        Field::new("referencedColumns", list(&found.to_columns)),
    ])
}
