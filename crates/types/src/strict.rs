//! What a catalog says more than the API's own types show: values that a check leaves to a column, and whose key it holds.

use crate::print::{Field, Ts};
use crate::world::World;
use smol_str::SmolStr;
use specc_analysis::shape::{Listed, listed, table_columns};
use specc_catalog::{Column, DataType, Qualified, Rule, TableName};
use specc_facts::Family;
use specc_sql::{Json, JsonKey};
use std::collections::BTreeSet;

/// The types that stand for keys.
pub(crate) const ID: &str = "/** The key of a row: `Of` says of which table. A plain value becomes one by `as`. */
export type Id<Of extends string, Value = string> = Value & {
  readonly __of: Of
}

";

/// A type for a column that is narrower than that of its values, where there is one: of a table's column itself, or of the
/// one that a view passes on.
pub(crate) fn of_column(world: &World<'_>, table: &TableName, column: &SmolStr) -> Option<Ts> {
    let (table, column) = origin(world, table, column)?;
    let columns = table_columns(world.catalog, &table)?;
    let found = columns.iter().find(|found| found.name == column)?;
    if let Some(shape) = shape(world, &table, found) {
        return Some(shape);
    }
    if let Some(values) = values(world, &table, found) {
        return Some(values);
    }
    let of = key_of(world, &table, &column)?;
    let of = if of.schema == "public" { of.name.to_string() } else { format!("{}.{}", of.schema, of.name) };
    let base = world.shapes.domain(&found.ty).map_or(&found.ty, |domain| &domain.base);
    let value = match base.schema.is_empty() && base.dims == 0 {
        true => specc_facts::family(&base.name),
        false => return None,
    };
    match value {
        Family::Uuid | Family::Text => Some(Ts::Of("Id", vec![Ts::Text(of)])),
        Family::Integer => Some(Ts::Of("Id", vec![Ts::Text(of), Ts::word("number")])),
        _ => None,
    }
}

/// The column of a table that a column of a view passes on, through other views too.
fn origin(world: &World<'_>, relation: &TableName, column: &SmolStr) -> Option<(TableName, SmolStr)> {
    let (mut relation, mut column) = (relation.clone(), column.clone());
    let mut seen = BTreeSet::new();
    while let Some(shape) = world.shapes.view(&relation) {
        if !seen.insert((relation.clone(), column.clone())) {
            return None;
        }
        let (of, name) = shape.columns.iter().find(|found| found.name == column)?.of.clone()?;
        relation = TableName::new(of.schema, of.name);
        column = name;
    }
    Some((relation, column))
}

/// The shape that a check of the table holds a column of JSON to.
fn shape(world: &World<'_>, table: &TableName, column: &Column) -> Option<Ts> {
    if column.ty != DataType::builtin("jsonb") {
        return None;
    }
    let checks = world.constraints.get(table).into_iter().flatten().filter_map(|constraint| match &constraint.rule {
        Rule::Check { expr, no_inherit: false } if !constraint.not_valid => Some(expr.text.as_str()),
        _ => None,
    });
    let shapes = checks.filter_map(specc_sql::read_shape);
    shapes.filter(|(name, _)| *name == column.name).map(|(_, json)| of_json(&json)).next()
}

fn of_json(json: &Json) -> Ts {
    match json {
        Json::Any => Ts::word("Json"),
        Json::Text => Ts::word("string"),
        Json::Whole | Json::Number => Ts::word("number"),
        Json::Bool => Ts::word("boolean"),
        Json::OneOf(labels) => match &labels[..] {
            [only] => Ts::Text(only.to_string()),
            all => Ts::Union(all.iter().map(|label| Ts::Text(label.to_string())).collect()),
        },
        Json::List(of) => of_json(of).list(),
        Json::Object(keys) => {
            let field = |key: &JsonKey| {
                let ty = of_json(&key.json);
                Field::optional(&key.name, key.optional, if key.optional { ty.or_null() } else { ty })
            };
            Ts::flat(keys.iter().map(field).collect())
        }
    }
}

/// The values that the checks of a table, or of the column's domain, leave.
fn values(world: &World<'_>, table: &TableName, column: &Column) -> Option<Ts> {
    // In another collation, a text may be equal to one that is written otherwise.
    if column.collation.is_some() {
        return None;
    }
    let domain = world.shapes.domain(&column.ty);
    let base = domain.map_or(&column.ty, |domain| &domain.base);
    let by_domain = domain.into_iter().flat_map(|domain| &domain.checks);
    let by_domain = by_domain.map(|(_, check)| (check.text.as_str(), "value"));
    let by_table = world.constraints.get(table).into_iter().flatten().filter_map(|constraint| match &constraint.rule {
        // Rows that were there before, or that are of tables below, need not fit it.
        Rule::Check { expr, no_inherit: false } if !constraint.not_valid => Some((expr.text.as_str(), &*column.name)),
        _ => None,
    });
    let values = by_table.chain(by_domain).find_map(|(check, name)| listed(check).remove(name))?;
    union(base, &values)
}

fn union(base: &DataType, values: &[Listed]) -> Option<Ts> {
    if !base.schema.is_empty() || base.dims > 0 {
        return None;
    }
    let family = specc_facts::family(&base.name);
    // What is filled up with blanks, or looked at in another way than letter by letter, is left as it is.
    let text = matches!(&*base.name, "text" | "varchar");
    let value = |value: &Listed| match value {
        Listed::Text(label) if text => Some(Ts::Text(label.to_string())),
        Listed::Number(digits) if family == Family::Integer => Some(Ts::word(digits.as_str())),
        _ => None,
    };
    let mut all: Vec<Ts> = values.iter().map(value).collect::<Option<_>>()?;
    match all.len() {
        0 => None,
        1 => Some(all.remove(0)),
        _ => Some(Ts::Union(all)),
    }
}

/// The table whose key a column holds: that which it refers to, to the end, or its own.
fn key_of(world: &World<'_>, table: &TableName, column: &SmolStr) -> Option<Qualified> {
    let (mut table, mut column) = (table.clone(), column.clone());
    let mut seen = BTreeSet::new();
    loop {
        let constraints = || world.constraints.get(&table).into_iter().flatten();
        let leads = constraints().find_map(|constraint| match &constraint.rule {
            Rule::ForeignKey(key) if key.columns == [column.clone()] => {
                Some((key.target.clone(), key.target_columns.first().cloned()?))
            }
            _ => None,
        });
        if let Some((target, target_column)) = leads.filter(|_| seen.insert((table.clone(), column.clone()))) {
            let known = world.catalog.contains(&target.id());
            (table, column) = (target, target_column);
            if known {
                continue;
            }
            // What is not the project's own is known by its key.
            return Some(Qualified::new(table.schema, table.name));
        }
        let own = constraints().any(
            |constraint| matches!(&constraint.rule, Rule::PrimaryKey { columns, .. } if *columns == [column.clone()]),
        );
        return own.then(|| Qualified::new(table.schema.clone(), table.name.clone()));
    }
}
