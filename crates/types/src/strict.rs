//! What a catalog says more than the API's own types show: values that a check leaves to a column, and whose key it holds.

use crate::print::{Field, Ts};
use crate::world::World;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_analysis::shape::{Listed, listed};
use specc_catalog::{Column, Constraint, DataType, Qualified, Rule, TableName};
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
    let known = world.narrowing(&table)?;
    let found = known.columns.get(&column)?;
    if let Some(shape) = known.shapes.get(&column).filter(|_| found.ty == DataType::builtin("jsonb")) {
        return Some(of_json(shape));
    }
    if let Some(values) = values(world, known, found) {
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

/// What a table says of its columns, by their names.
#[derive(Debug, Default)]
pub(crate) struct Narrowing {
    columns: FxHashMap<SmolStr, Column>,
    /// The shapes that checks hold columns of JSON to.
    shapes: FxHashMap<SmolStr, Json>,
    /// The values that checks leave.
    values: FxHashMap<SmolStr, Vec<Listed>>,
    /// What columns refer to by themselves.
    leads: FxHashMap<SmolStr, (TableName, SmolStr)>,
    /// The column that is the key.
    key: Option<SmolStr>,
}

impl Narrowing {
    /// Of a table with these constraints; the first that says something of a column counts.
    pub(crate) fn of<'c>(columns: Vec<Column>, constraints: impl IntoIterator<Item = &'c Constraint>) -> Self {
        let columns = columns.into_iter().map(|column| (column.name.clone(), column)).collect();
        let mut known = Self { columns, ..Self::default() };
        for constraint in constraints {
            match &constraint.rule {
                // Rows that were there before, or that are of tables below, need not fit it.
                Rule::Check { expr, no_inherit: false } if !constraint.not_valid => {
                    if let Some((column, json)) = specc_sql::read_shape(&expr.text) {
                        known.shapes.entry(column).or_insert(json);
                    }
                    for (column, values) in listed(&expr.text) {
                        known.values.entry(column).or_insert(values);
                    }
                }
                Rule::ForeignKey(key) => {
                    if let ([column], Some(target)) = (&key.columns[..], key.target_columns.first()) {
                        known.leads.entry(column.clone()).or_insert_with(|| (key.target.clone(), target.clone()));
                    }
                }
                Rule::PrimaryKey { columns, .. } => {
                    if let [column] = &columns[..] {
                        known.key = Some(column.clone());
                    }
                }
                _ => {}
            }
        }
        known
    }
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
fn values(world: &World<'_>, known: &Narrowing, column: &Column) -> Option<Ts> {
    // In another collation, a text may be equal to one that is written otherwise.
    if column.collation.is_some() {
        return None;
    }
    let domain = world.shapes.domain(&column.ty);
    let base = domain.map_or(&column.ty, |domain| &domain.base);
    let mut by_domain = domain.into_iter().flat_map(|domain| &domain.checks);
    let by_domain = || by_domain.find_map(|(_, check)| listed(&check.text).remove("value"));
    let values = known.values.get(&column.name).cloned().or_else(by_domain)?;
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
        let known = world.narrowing(&table);
        let leads = known.and_then(|known| known.leads.get(&column)).cloned();
        if let Some((target, target_column)) = leads.filter(|_| seen.insert((table.clone(), column.clone()))) {
            let is_own = world.catalog.contains(&target.id());
            (table, column) = (target, target_column);
            if is_own {
                continue;
            }
            // What is not the project's own is known by its key.
            return Some(Qualified::new(table.schema, table.name));
        }
        let own = known.is_some_and(|known| known.key.as_ref() == Some(&column));
        return own.then(|| Qualified::new(table.schema.clone(), table.name.clone()));
    }
}
