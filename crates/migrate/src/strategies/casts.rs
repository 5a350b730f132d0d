//! Which built-in types Postgres turns into each other.

use specc_catalog::{Catalog, DataType, IdRef, Kind, Object};
use specc_facts::{Context, Family};

/// Whether Postgres has no cast between two built-in types, so that a value goes by way of its text.
pub(crate) fn are_none(from: &DataType, to: &DataType) -> bool {
    let builtin = from.schema.is_empty() && to.schema.is_empty();
    builtin && !specc_facts::casts_to(&from.name, &to.name, Context::Explicit)
}

/// Whether Postgres makes a value of the other type by itself when it is written there. That is better than a cast where
/// both are there: a cast to `varchar(3)` cuts what does not fit, writing it is an error.
pub(crate) fn is_assigned(from: &DataType, to: &DataType) -> bool {
    let builtin = from.schema.is_empty() && to.schema.is_empty();
    let to_text = to.schema.is_empty() && to.dims == 0 && specc_facts::family(&to.name) == Family::Text;
    from.dims == to.dims
        && (from.schema == to.schema && from.name == to.name
            || builtin && specc_facts::casts_to(&from.name, &to.name, Context::Assignment)
            || to_text)
}

/// What a conversion between two types reads of the session, and what it is while values move: the same for the trigger
/// that keeps a column up and for the file that fills it, whoever writes from wherever. Nothing, where the result depends
/// on the value alone.
pub(crate) fn settings(catalogs: [&Catalog; 2], from: &DataType, to: &DataType) -> Vec<(&'static str, &'static str)> {
    let (a, b) = (Parts::of(catalogs[0], from, 0), Parts::of(catalogs[1], to, 0));
    if a.kinds == b.kinds && from.dims == to.dims && (&from.schema, &from.name) == (&to.schema, &to.name) {
        return Vec::new();
    }
    let is_moment = |kind: &Family| matches!(kind, Family::Moment | Family::Time);
    let one = |of: &dyn Fn(&Family) -> bool| a.kinds.iter().any(of) || b.kinds.iter().any(of);
    // A value that is written out, or read.
    let as_text = |of: &dyn Fn(&Family) -> bool| one(of) && !(a.kinds.iter().any(of) && b.kinds.iter().any(of));
    let whole = a.is_whole || b.is_whole;
    let mut all = Vec::new();
    if a.has_zone || b.has_zone {
        all.push(("timezone", "UTC"));
    }
    if as_text(&is_moment) || whole && one(&is_moment) {
        all.push(("datestyle", "ISO, MDY"));
    }
    let is_interval = |kind: &Family| *kind == Family::Interval;
    if one(&is_interval) && !one(&is_moment) || whole && one(&is_interval) {
        all.push(("intervalstyle", "postgres"));
    }
    let is_number = |kind: &Family| matches!(kind, Family::Float | Family::Decimal | Family::Integer);
    if a.kinds.contains(&Family::Float) && (whole || !b.kinds.iter().any(is_number)) {
        all.push(("extra_float_digits", "1"));
    }
    if a.kinds.contains(&Family::Bytes) {
        all.push(("bytea_output", "hex"));
    }
    all
}

/// All that an expression of an author may read of the session.
pub(crate) const ALL_SETTINGS: [(&str, &str); 5] = [
    ("bytea_output", "hex"),
    ("datestyle", "ISO, MDY"),
    ("extra_float_digits", "1"),
    ("intervalstyle", "postgres"),
    ("timezone", "UTC"),
];

/// What a type is made of.
#[derive(Debug, Default)]
struct Parts {
    kinds: Vec<Family>,
    has_zone: bool,
    /// More than one value, written out as one.
    is_whole: bool,
}

impl Parts {
    fn of(catalog: &Catalog, ty: &DataType, depth: usize) -> Self {
        let mut parts = Self { is_whole: ty.dims > 0, ..Self::default() };
        if ty.schema.is_empty() {
            let name: &str = &ty.name;
            let element = specc_facts::type_info(name).and_then(specc_facts::TypeInfo::bounds).unwrap_or(name);
            parts.is_whole |= element != name;
            parts.has_zone = matches!(element, "timestamptz" | "timetz");
            parts.kinds.push(specc_facts::family(element));
            return parts;
        }
        let find = |kind| catalog.find(IdRef::new(kind, &ty.schema, &ty.name)).and_then(|place| catalog.at(place));
        // No type holds itself; what is deeper than that is not read.
        let mut inner: Vec<&DataType> = Vec::new();
        if let Some(Object::Domain(o)) = find(Kind::Domain).map(|(_, entry)| &entry.object) {
            inner.push(&o.base);
        } else if let Some(Object::Composite(o)) = find(Kind::Composite).map(|(_, entry)| &entry.object) {
            parts.is_whole = true;
            inner.extend(o.fields.iter().map(|(_, ty, _)| ty));
        }
        for ty in inner.into_iter().filter(|_| depth < 16) {
            let other = Self::of(catalog, ty, depth + 1);
            parts.kinds.extend(other.kinds);
            parts.has_zone |= other.has_zone;
            parts.is_whole |= other.is_whole;
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::are_none;
    use specc_catalog::DataType;

    #[test]
    fn families_have_casts_and_strangers_have_none() {
        let none = |a: &str, b: &str| are_none(&DataType::builtin(a), &DataType::builtin(b));
        assert!(none("bigint", "timestamp"));
        assert!(none("uuid", "int"));
        assert!(none("boolean", "bigint"));
        assert!(!none("int", "boolean"));
        assert!(!none("date", "timestamptz"));
        assert!(!none("jsonb", "numeric"));
        assert!(!none("text", "uuid"));
        assert!(none("smallint", "boolean"));
        // Nobody here knows it.
        assert!(!none("geometry", "int"));
    }
}
