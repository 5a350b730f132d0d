//! A value that a column may have, as examples show it.

use crate::print::{self, Ts};
use crate::resolved::Type;
use crate::strict;
use crate::world::{Column, Relation, World};
use specc_catalog::DataType;
use specc_facts::{Family, family};
use specc_sql::quote;

/// A value in two languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// As a literal of SQL.
    pub sql: String,
    /// As JavaScript and JSON write it.
    pub json: String,
}

impl Example {
    fn text(value: &str) -> Self {
        Self { sql: quote::literal(value), json: print::json(value) }
    }

    fn plain(value: &str) -> Self {
        Self { sql: value.to_owned(), json: value.to_owned() }
    }
}

/// A value of a column: the first of those that a check leaves, or one of its type. None where nothing is known of the type.
pub(crate) fn of_column(world: &World<'_>, relation: &Relation, column: &Column) -> Option<Example> {
    let left = match strict::of_column(world, &relation.name, &column.name) {
        Some(Ts::Union(all)) => all.into_iter().next(),
        other => other,
    };
    match left {
        Some(Ts::Text(text)) => Some(Example::text(&text)),
        _ => of_type(world, column.ty.as_ref()?),
    }
}

/// A value of a type.
pub(crate) fn of_type(world: &World<'_>, ty: &DataType) -> Option<Example> {
    Some(match world.below_domains(ty).0 {
        Type::Enum(found) => Example::text(found.labels.first()?),
        Type::List(_) => Example { sql: "'{}'".to_owned(), json: "[]".to_owned() },
        Type::Plain(name, args) => of_family(&name, &args)?,
        Type::Other(name) => of_family(&name.name, &[])?,
        _ => return None,
    })
}

fn of_family(name: &str, args: &[i64]) -> Option<Example> {
    Some(match family(name) {
        Family::Integer | Family::Decimal | Family::Float | Family::Oid => Example::plain("1"),
        Family::Boolean => Example::plain("true"),
        Family::Text => Example::text(match args.first() {
            Some(most) if *most < 7 => "a",
            _ => "example",
        }),
        Family::Moment if name == "date" => Example::text("2030-01-31"),
        Family::Moment => Example::text("2030-01-31T09:00:00Z"),
        Family::Time => Example::text("09:00:00"),
        Family::Interval => Example::text("1 day"),
        Family::Uuid => Example::text("00000000-0000-4000-8000-000000000001"),
        Family::Json => Example { sql: "'{}'".to_owned(), json: "{}".to_owned() },
        Family::Bytes => Example::text("\\x00"),
        Family::Network => Example::text("192.0.2.1"),
        Family::Range | Family::Multirange => Example::text(if name.contains("multi") { "{}" } else { "empty" }),
        _ => return None,
    })
}
