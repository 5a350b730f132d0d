//! A primary key that runs out
//!
//! Finds primary keys of one column of type `int`, `smallint`, `serial` or `smallserial`.
//!
//! Why: an int ends at 2,147,483,647, and making it a bigint later means a new column, a trigger and a backfill, here
//! and in every table that refers to it.
//!
//! Instead `bigint generated always as identity`, or `uuid`.

use crate::rule::{Out, Scene};
use crate::rules::new_columns;
use crate::statement::{Kind, What};
use specc_facts::Family;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let keys: Vec<&str> = match &scene.statement.what {
        What::CreateTable(table) => table.constraints.iter().filter_map(|c| only_key(&c.kind)).collect(),
        _ => Vec::new(),
    };
    for column in new_columns(scene) {
        let small = column.ty.as_ref().is_some_and(|ty| {
            let name = specc_facts::serial_type(&ty.name).unwrap_or(&ty.name);
            ty.schema.is_empty() && name != "bigint" && specc_facts::family(name) == Family::Integer
        });
        let is_key =
            column.has(|kind| matches!(kind, Kind::Primary { .. })).is_some() || keys.contains(&column.name.as_str());
        if small && is_key {
            out.say(scene.span(column.ty_place), format!("`{}` runs out", column.name))
                .help("make it a bigint or a uuid");
        }
    }
}

fn only_key(kind: &Kind) -> Option<&str> {
    match kind {
        Kind::Primary { columns, .. } if columns.len() == 1 => columns.first().map(String::as_str),
        _ => None,
    }
}
