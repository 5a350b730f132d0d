//! From a type of Postgres to one of TypeScript, by the name that the server's own tables have for it.

use crate::print::Ts;
use crate::world::{Column, RelationKind, World};
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::DataType;
use specc_facts::Family;

/// A type by the name and schema that `pg_type` has for it; an array's name begins with `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    pub name: SmolStr,
    pub schema: SmolStr,
}

impl Format {
    /// Of a type that is written in a catalog.
    pub(crate) fn of(ty: &DataType) -> Self {
        let (name, schema) = match ty.schema.is_empty() {
            true if ty.name.starts_with("interval ") => (SmolStr::new_static("interval"), "pg_catalog".into()),
            true => (specc_facts::internal_type_name(&ty.name).into(), "pg_catalog".into()),
            false => (ty.name.clone(), ty.schema.clone()),
        };
        if ty.dims > 0 { Self { name: format_smolstr!("_{name}"), schema } } else { Self { name, schema } }
    }

    /// Of nothing that is known.
    pub(crate) fn unknown() -> Self {
        Self { name: "unknown".into(), schema: "pg_catalog".into() }
    }
}

/// What a value of a built-in type is in JSON.
fn plain(name: &str) -> Option<&'static str> {
    match name {
        "void" => return Some("undefined"),
        "record" => return Some("Record<string, unknown>"),
        // The only type of text that the API's types leave open.
        "name" => return None,
        _ => {}
    }
    // By the server's own name alone: `integer` as a type's name is somebody's own.
    let canonical = specc_facts::canonical_type(name).or_else(|| specc_facts::type_info(name).map(|info| info.name))?;
    if specc_facts::internal_type_name(canonical) != name {
        return None;
    }
    match specc_facts::family(canonical) {
        Family::Boolean => Some("boolean"),
        Family::Integer | Family::Decimal | Family::Float => Some("number"),
        Family::Json => Some("Json"),
        Family::Vector if name != "vector" => None,
        Family::Text
        | Family::Moment
        | Family::Time
        | Family::Interval
        | Family::Uuid
        | Family::Bytes
        | Family::Vector => Some("string"),
        _ => None,
    }
}

/// Whether a value of a type with this canonical name is a text in JSON.
pub(crate) fn is_text(name: &str) -> bool {
    plain(specc_facts::internal_type_name(name)) == Some("string")
}

/// The type in TypeScript, seen from `schema`.
pub(crate) fn type_of(world: &World<'_>, format: &Format) -> Ts {
    if let Some(word) = plain(&format.name) {
        return Ts::word(word);
    }
    if let Some(element) = format.name.strip_prefix('_') {
        return type_of(world, &Format { name: element.into(), schema: format.schema.clone() }).list();
    }
    if let Some((schema, labels)) = world.labels(&format.name, &format.schema) {
        return match world.is_shown(schema) {
            true => Ts::word(path(schema, "Enums", &format.name)),
            false => Ts::Union(labels.iter().map(|label| Ts::Text(label.to_string())).collect()),
        };
    }
    if let Some(schema) = world.composite(&format.name, &format.schema) {
        return match world.is_shown(schema) {
            true => Ts::word(path(schema, "CompositeTypes", &format.name)),
            false => Ts::word("unknown"),
        };
    }
    match row(world, format) {
        Some(row) => Ts::word(format!("{row}[\"Row\"]")),
        None => Ts::word("unknown"),
    }
}

/// The type of a column's values.
pub(crate) fn of_column(world: &World<'_>, column: &Column) -> Ts {
    column.narrow.clone().unwrap_or_else(|| type_of(world, &column.format))
}

/// The table or view whose rows a type has, as it is named in the types.
pub(crate) fn row(world: &World<'_>, format: &Format) -> Option<String> {
    let relation = world.row(&format.name, &format.schema)?;
    let kind = if relation.kind == RelationKind::Table { "Tables" } else { "Views" };
    Some(path(&relation.name.schema, kind, &relation.name.name))
}

fn path(schema: &str, kind: &str, name: &str) -> String {
    let (schema, name) = (crate::print::text(schema), crate::print::text(name));
    format!("Database[{schema}][\"{kind}\"][{name}]")
}

/// The type of a column or field that may be null.
pub(crate) fn nullable(ty: Ts, nullable: bool) -> Ts {
    match &ty {
        Ts::Word(word) if word == "Json" && !nullable => Ts::Of("NonNullable", vec![ty]),
        Ts::Word(word) if word == "unknown" => ty,
        _ if nullable => ty.or_null(),
        _ => ty,
    }
}
