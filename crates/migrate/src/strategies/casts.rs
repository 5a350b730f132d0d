//! What becomes of values when a column gets another type.

use specc_catalog::{Catalog, DataType, Enum, IdRef, Kind, Object};
use specc_facts::{Context, Conversion, Family, Limited};

/// Domains and composite types stand on others no deeper than this.
const DEPTH: usize = 16;

/// What becomes of the values of a column from one state to the other, or none where Postgres has to be told how.
pub fn conversion(catalogs: [&Catalog; 2], from: &DataType, to: &DataType) -> Option<Conversion> {
    let (old, new) = (own(catalogs[0], from), own(catalogs[1], to));
    let asks = match (old, new) {
        // What it asked before, its values fulfil.
        (Some(Object::Domain(a)), Some(Object::Domain(b)))
            if (&a.schema, &a.name, &a.base, a.nullable, &a.checks)
                == (&b.schema, &b.name, &b.base, b.nullable, &b.checks) =>
        {
            false
        }
        _ => asks(catalogs[1], to, DEPTH),
    };
    let bare = between(catalogs, &base(catalogs[0], from), &base(catalogs[1], to))?;
    Some(if asks { bare.and(Conversion { lossy: false, failing: true }) } else { bare })
}

/// The same of a cast in so many words, which cuts or pads texts and bits where storing them is an error.
pub(crate) fn cast_in_words(catalogs: [&Catalog; 2], from: &DataType, to: &DataType) -> Option<Conversion> {
    let known = conversion(catalogs, from, to)?;
    let ends = base(catalogs[1], to);
    let cuts = ends.schema.is_empty() && matches!(specc_facts::family(&ends.name), Family::Text | Family::Bits);
    let failing = known.failing && (!cuts || asks(catalogs[1], to, DEPTH));
    Some(Conversion { lossy: known.lossy || known.failing && cuts, failing })
}

/// An enum, domain or composite type of one's own.
fn own<'c>(catalog: &'c Catalog, ty: &DataType) -> Option<&'c Object> {
    let find = |kind| catalog.find(IdRef::new(kind, &ty.schema, &ty.name)).and_then(|place| catalog.at(place));
    let kinds = [Kind::Enum, Kind::Domain, Kind::Composite].into_iter().filter(|_| !ty.schema.is_empty());
    kinds.into_iter().find_map(find).map(|(_, entry)| &entry.object)
}

/// What a domain stands on in the end; any other type itself.
pub(crate) fn base(catalog: &Catalog, ty: &DataType) -> DataType {
    within(catalog, ty, DEPTH)
}

fn within(catalog: &Catalog, ty: &DataType, depth: usize) -> DataType {
    match own(catalog, ty) {
        Some(Object::Domain(o)) if depth > 0 => {
            within(catalog, &DataType { dims: o.base.dims + ty.dims, ..o.base.clone() }, depth - 1)
        }
        _ => ty.clone(),
    }
}

/// Whether it is a domain of one's own.
pub(crate) fn is_domain(catalog: &Catalog, ty: &DataType) -> bool {
    matches!(own(catalog, ty), Some(Object::Domain(_)))
}

/// Whether a value is null, as a condition. Of a row `is null` says that all its attributes are, and `is not null` that none is.
pub(crate) fn is_null(catalogs: [&Catalog; 2], value: &str, ty: &DataType, not: bool) -> String {
    let is_enum = |catalog: &&Catalog| matches!(own(catalog, ty), Some(Object::Enum(_)));
    let inner = catalogs.iter().map(|catalog| base(catalog, ty)).find(|base| base != ty);
    let may_be_row = |ty: &DataType| !ty.schema.is_empty() && ty.dims == 0 && !catalogs.iter().any(is_enum);
    match (may_be_row(inner.as_ref().unwrap_or(ty)), not) {
        (true, false) => format!("{value} is not distinct from null"),
        (true, true) => format!("{value} is distinct from null"),
        (false, false) => format!("{value} is null"),
        (false, true) => format!("{value} is not null"),
    }
}

/// Whether Postgres has no cast between two built-in types, written or not, so that a value goes by way of its text.
pub(crate) fn are_none(from: &DataType, to: &DataType) -> bool {
    let builtin = from.schema.is_empty() && to.schema.is_empty();
    builtin && !specc_facts::casts_to(&from.name, &to.name, Context::Explicit)
}

/// Whether it is a domain that refuses some values, or one that stands on one.
fn asks(catalog: &Catalog, ty: &DataType, depth: usize) -> bool {
    match own(catalog, ty) {
        Some(Object::Domain(o)) if depth > 0 => {
            !o.nullable || !o.checks.is_empty() || asks(catalog, &o.base, depth - 1)
        }
        _ => false,
    }
}

/// Whether it is a domain that refuses null, and one that may refuse other values, or stands on one.
pub(crate) fn refuses(catalog: &Catalog, ty: &DataType) -> (bool, bool) {
    let (mut at, mut found) = (ty.clone(), (false, false));
    for _ in 0..DEPTH {
        let Some(Object::Domain(o)) = own(catalog, &at).filter(|_| at.dims == 0) else { break };
        found = (found.0 || !o.nullable, found.1 || !o.checks.is_empty());
        at = o.base.clone();
    }
    found
}

/// Between types that are no domains.
fn between(catalogs: [&Catalog; 2], from: &DataType, to: &DataType) -> Option<Conversion> {
    if from.dims > 0 && to.dims > 0 {
        let one = |ty: &DataType| DataType { dims: 0, ..ty.clone() };
        return between(catalogs, &one(from), &one(to));
    }
    let is_same = (&from.schema, &from.name) == (&to.schema, &to.name);
    if (from.dims > 0) == (to.dims > 0) && is_same && from.args == to.args {
        return Some(Conversion::EXACT);
    }
    let to_text = to.schema.is_empty() && to.dims == 0 && specc_facts::family(&to.name) == Family::Text;
    let builtin = from.schema.is_empty() && to.schema.is_empty();
    let plain = Limited { name: &to.name, args: &to.args };
    match own(catalogs[0], from) {
        _ if (from.dims > 0) != (to.dims > 0) => (from.dims > 0 && to_text).then(|| specc_facts::from_long_text(plain)),
        Some(Object::Enum(Enum { labels, .. })) if to_text => {
            Some(specc_facts::from_labels(labels.iter().map(|label| label.as_str()), plain))
        }
        Some(Object::Enum(_)) => None,
        Some(Object::Composite(_)) => to_text.then(|| specc_facts::from_long_text(plain)),
        _ if own(catalogs[1], to).is_some() => None,
        _ if builtin => specc_facts::conversion(Limited { name: &from.name, args: &from.args }, plain),
        // A type that is not the spec's own.
        _ => Some(Conversion::ANY),
    }
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
