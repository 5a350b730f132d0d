//! Values that say nothing.

use specc_catalog::{Catalog, DataType, IdRef, Kind, Object};
use specc_facts::Family;
use specc_sql::quote::literal;

/// A value of the type that says nothing.
pub(crate) fn neutral_value(catalog: &Catalog, ty: &DataType) -> Option<String> {
    if ty.dims > 0 {
        return Some("'{}'".into());
    }
    if !ty.schema.is_empty() {
        let of = |kind| catalog.find(IdRef::new(kind, &ty.schema, &ty.name)).and_then(|place| catalog.at(place));
        return match of(Kind::Enum).or_else(|| of(Kind::Domain)).map(|(_, entry)| &entry.object) {
            Some(Object::Enum(o)) => o.labels.first().map(|label| literal(label)),
            Some(Object::Domain(o)) => neutral_value(catalog, &o.base),
            _ => None,
        };
    }
    let value = match specc_facts::family(&ty.name) {
        Family::Integer | Family::Decimal | Family::Float | Family::Money | Family::Oid => "0",
        Family::Text | Family::Bytes | Family::Search => "''",
        Family::Boolean => "false",
        Family::Uuid => "'00000000-0000-0000-0000-000000000000'",
        Family::Moment => "'epoch'",
        Family::Time => "'00:00'",
        Family::Interval => "'0'",
        Family::Json => "'null'",
        Family::Network => "'0.0.0.0'",
        Family::Multirange => "'{}'",
        Family::Range => "'empty'",
        _ => return None,
    };
    Some(value.into())
}
