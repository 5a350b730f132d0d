//! The schema of a type's values.

use super::at;
use super::condition::condition;
use crate::print::{member, text};
use crate::resolved::Type;
use crate::world::World;
use specc_analysis::checks::{Sort, conditions};
use specc_catalog::{DataType, Domain};
use specc_facts::Family;
use std::fmt::Write as _;

/// The schema of a type; what it cannot say of the values is told to `beyond`.
pub(crate) fn schema(world: &World<'_>, ty: &DataType, nullable: bool, beyond: &mut dyn FnMut(String)) -> String {
    of(world, ty, nullable, 0, beyond)
}

/// How deep composite types and arrays of them are followed.
const DEEP: usize = 16;

fn of(world: &World<'_>, ty: &DataType, nullable: bool, depth: usize, beyond: &mut dyn FnMut(String)) -> String {
    let (found, domains) = world.below_domains(ty);
    let nullable = nullable && domains.iter().all(|domain| domain.nullable);
    let mut schema = if depth > DEEP { "z.unknown()".to_owned() } else { below(world, &found, depth, beyond) };
    if nullable {
        schema.push_str(".nullable()");
    }
    // Those of the innermost domain come first.
    for domain in domains.iter().rev() {
        checks(world, domain, &found, &mut schema, beyond);
    }
    schema
}

fn checks(world: &World<'_>, domain: &Domain, below: &Type<'_>, schema: &mut String, beyond: &mut dyn FnMut(String)) {
    let (_, outer) = world.below_domains(&domain.base);
    let collated = domain.collation.is_some() || outer.iter().any(|domain| domain.collation.is_some());
    let sort = |_: &str| match below.sort() {
        Sort::Text | Sort::Padded if collated => Sort::Other,
        sort => sort,
    };
    let place = |_: &str| ("v".to_owned(), below.clone());
    for (name, check) in &domain.checks {
        for read in conditions(&check.text, &sort) {
            let read = read.map_err(|beyond| (beyond.sql, beyond.why));
            match read.and_then(|formula| condition(&formula, &place).map_err(|why| (check.text.to_string(), why))) {
                Ok(condition) => {
                    let message = text(&format!("check {name} of {}", domain.name));
                    let _ = write!(schema, ".refine(db.holds((v) => {condition}), {message})");
                }
                Err((sql, why)) => beyond(format!("the check `{name}` of `{}` ({sql}): {why}", domain.name)),
            }
        }
    }
}

fn below(world: &World<'_>, ty: &Type<'_>, depth: usize, beyond: &mut dyn FnMut(String)) -> String {
    match ty {
        Type::Plain(name, args) => plain(name, args).unwrap_or_else(|| {
            beyond(format!("whether it is a `{name}`"));
            open(name)
        }),
        Type::Enum(found) if world.is_shown(&found.schema) && !found.labels.is_empty() => {
            format!("enums{}{}", at(&found.schema), at(&found.name))
        }
        Type::Enum(found) => {
            let labels: Vec<String> = found.labels.iter().map(|label| text(label)).collect();
            format!("z.enum([{}])", labels.join(", "))
        }
        Type::Composite(found) => {
            let fields = found.fields.iter().map(|(name, ty, _)| (name.clone(), ty.clone()));
            object(world, fields.collect(), depth, beyond)
        }
        Type::Row(name) => {
            let columns = specc_analysis::shape::table_columns(world.catalog, name).unwrap_or_default();
            let columns: Vec<_> = columns.into_iter().map(|column| (column.name, column.ty)).collect();
            match columns.is_empty() {
                true => "z.unknown()".to_owned(),
                false => object(world, columns, depth, beyond),
            }
        }
        Type::List(item) => {
            let item = match &**item {
                Type::Domain(domain) => {
                    let ty = DataType { schema: domain.schema.clone(), ..DataType::builtin(domain.name.clone()) };
                    of(world, &ty, true, depth + 1, beyond)
                }
                item => format!("{}.nullable()", below(world, item, depth + 1, beyond)),
            };
            format!("db.array({item})")
        }
        Type::Domain(_) => "z.unknown()".to_owned(),
        Type::Other(name) => {
            beyond(format!("whether it is a `{}`", name.name));
            open(&name.name)
        }
    }
}

fn object(
    world: &World<'_>,
    fields: Vec<(smol_str::SmolStr, DataType)>,
    depth: usize,
    beyond: &mut dyn FnMut(String),
) -> String {
    let field = |(name, ty): (smol_str::SmolStr, DataType)| {
        let mut told = |what| beyond(format!("`{name}`: {what}"));
        format!("{}: {}", member(&name), of(world, &ty, true, depth + 1, &mut told))
    };
    format!("z.object({{ {} }})", fields.into_iter().map(field).collect::<Vec<_>>().join(", "))
}

/// The schema of a type of which no more is known than what it is in JSON.
fn open(name: &str) -> String {
    if crate::formats::is_text(name) { "db.text()".to_owned() } else { "z.unknown()".to_owned() }
}

/// The schema of one of Postgres's own types, where there is one that says all.
fn plain(name: &str, args: &[i64]) -> Option<String> {
    Some(match (name, args) {
        ("boolean", _) => "z.boolean()".to_owned(),
        ("smallint", _) => "z.int().min(-32768).max(32767)".to_owned(),
        ("int", _) => "z.int32()".to_owned(),
        ("bigint", _) => "z.int()".to_owned(),
        ("double precision", _) => "z.number()".to_owned(),
        ("real", _) => "db.real()".to_owned(),
        ("numeric", []) => "z.number()".to_owned(),
        ("numeric", [digits]) => format!("db.numeric({digits}, 0)"),
        ("numeric", [digits, places, ..]) => format!("db.numeric({digits}, {places})"),
        // One byte, whatever is given.
        ("\"char\"", _) => return None,
        ("char", []) => "db.varchar(1)".to_owned(),
        ("uuid", _) => "db.uuid()".to_owned(),
        ("bytea", _) => "db.bytea()".to_owned(),
        ("json" | "jsonb", _) => "db.json()".to_owned(),
        ("inet", _) => "db.inet()".to_owned(),
        ("timetz", _) => return None,
        _ => match (specc_facts::family(name), args) {
            (Family::Text, [most, ..]) => format!("db.varchar({most})"),
            (Family::Text, []) => "db.text()".to_owned(),
            (Family::Moment | Family::Time, _) => format!("db.at(\"{name}\")"),
            (Family::Interval, _) => "db.interval()".to_owned(),
            _ => return None,
        },
    })
}

/// A default that is a plain value, in JSON.
pub(crate) fn constant(ty: &Type<'_>, default: &str) -> Option<String> {
    let bare = default.trim();
    let bare = bare.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(bare);
    let quoted = || {
        let (value, rest) = bare.strip_prefix('\'')?.rsplit_once('\'')?;
        let plain = !value.contains(['\'', '\\']) && (rest.is_empty() || rest.starts_with("::"));
        plain.then(|| text(value))
    };
    match ty.sort() {
        Sort::Boolean => matches!(bare, "true" | "false").then(|| bare.to_owned()),
        Sort::Integer | Sort::Decimal | Sort::Float => {
            let digits = bare.strip_prefix('-').unwrap_or(bare);
            let number = digits.len() < 15
                && digits.starts_with(|c: char| c.is_ascii_digit())
                && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
                && (digits == "0" || !digits.starts_with('0') || digits.starts_with("0."))
                && bare.parse::<f64>().is_ok();
            number.then(|| bare.to_owned())
        }
        Sort::Text | Sort::Enum => quoted(),
        _ => None,
    }
}
