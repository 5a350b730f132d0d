//! Names that Postgres gives to constraints.

use crate::name::Name;
use crate::statement::{Constraint, Kind};

/// The name of a constraint: its own, or the one that it will be given.
pub(super) fn of(table: &Name, constraint: &Constraint, column: Option<&str>) -> String {
    if let Some(name) = &constraint.name {
        return name.clone();
    }
    let (columns, end): (Vec<&str>, &str) = match &constraint.kind {
        Kind::Check { proves } => (column.or(proves.first().map(String::as_str)).into_iter().collect(), "check"),
        Kind::Foreign { columns, .. } => (columns.iter().map(String::as_str).collect(), "fkey"),
        Kind::Unique { columns, .. } => (columns.iter().map(String::as_str).collect(), "key"),
        Kind::Primary { .. } => (Vec::new(), "pkey"),
        Kind::Exclude => (Vec::new(), "excl"),
        Kind::NotNull { column } => (vec![column.as_str()], "not_null"),
    };
    let mut name = table.name.clone();
    for part in columns.into_iter().chain([end]) {
        name.push('_');
        name.push_str(part);
    }
    name
}
