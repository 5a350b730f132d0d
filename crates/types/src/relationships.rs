//! The references between relations that the API follows: foreign keys, and what views make of their columns.

use crate::collate::compare;
use crate::print::json;
use crate::world::{RelationKind, World};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{Constraint, ForeignKey, Rule, TableName};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// One way from a relation to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relationship {
    /// The foreign key.
    pub key: SmolStr,
    /// The referring table or view.
    pub from: TableName,
    /// Its columns.
    pub columns: Vec<SmolStr>,
    /// Whether no more than one row refers to a row.
    pub one_to_one: bool,
    /// The table or view that is referred to.
    pub to: TableName,
    /// Its columns, in the same order.
    pub to_columns: Vec<SmolStr>,
}

/// For each column of a table, the views that pass it on, each with its columns that do.
type Passed<'w> = FxHashMap<(TableName, SmolStr), Vec<(&'w TableName, Vec<SmolStr>)>>;

/// The foreign keys of a name to a table.
type Called<'c> = FxHashMap<(&'c SmolStr, &'c TableName), Vec<&'c ForeignKey>>;

/// The relationships of each relation that is shown, in the order in which they are written. Only those within a schema
/// count.
pub(crate) fn all(world: &World<'_>) -> FxHashMap<TableName, Vec<Relationship>> {
    let passed = passed(world);
    let mut called: Called<'_> = FxHashMap::default();
    for constraint in &world.foreign_keys {
        if let Rule::ForeignKey(key) = &constraint.rule {
            called.entry((&constraint.name, &key.target)).or_default().push(key);
        }
    }
    let mut found: Vec<Relationship> = Vec::new();
    for constraint in &world.foreign_keys {
        let Rule::ForeignKey(key) = &constraint.rule else { continue };
        let one = |from: &TableName, columns: Vec<SmolStr>, to: &TableName, to_columns: Vec<SmolStr>| Relationship {
            key: constraint.name.clone(),
            from: from.clone(),
            columns,
            one_to_one: is_one_to_one(world, constraint, key),
            to: to.clone(),
            to_columns,
        };
        let shown = world.is_shown(&constraint.table.schema);
        let from: Vec<_> = ways(&passed, &constraint.table, &key.columns);
        let to = match is_whole(&called, constraint, key) {
            true => ways(&passed, &key.target, &key.target_columns),
            false => Vec::new(),
        };
        if shown {
            found.push(one(&constraint.table, key.columns.clone(), &key.target, key.target_columns.clone()));
            found.extend(
                to.iter().map(|(view, columns)| one(&constraint.table, key.columns.clone(), view, columns.clone())),
            );
        }
        for (view, columns) in &from {
            found.push(one(view, columns.clone(), &key.target, key.target_columns.clone()));
            found.extend(to.iter().map(|(other, others)| one(view, columns.clone(), other, others.clone())));
        }
    }
    found.retain(|relationship| relationship.from.schema == relationship.to.schema);
    found.sort_by(order);
    let mut of: FxHashMap<TableName, Vec<Relationship>> = FxHashMap::default();
    for relationship in found {
        of.entry(relationship.from.clone()).or_default().push(relationship);
    }
    of
}

fn order(a: &Relationship, b: &Relationship) -> Ordering {
    compare(&a.key, &b.key)
        .then_with(|| compare(&a.to.name, &b.to.name))
        .then_with(|| compare(&list(&a.to_columns), &list(&b.to_columns)))
        .then_with(|| compare(&a.to.schema, &b.to.schema))
        .then_with(|| compare(&a.from.schema, &b.from.schema))
        .then_with(|| compare(&a.from.name, &b.from.name))
        .then_with(|| compare(&list(&a.columns), &list(&b.columns)))
}

/// As JSON has it.
fn list(names: &[SmolStr]) -> String {
    format!("[{}]", names.iter().map(|name| json(name)).collect::<Vec<_>>().join(","))
}

/// Whether the columns of a foreign key are those of a key of its table. The key's columns are taken in the order of the
/// table, those of the foreign key as they are written, as the API does.
fn is_one_to_one(world: &World<'_>, constraint: &Constraint, key: &ForeignKey) -> bool {
    let columns = specc_analysis::shape::table_columns(world.catalog, &constraint.table).unwrap_or_default();
    let place = |name: &SmolStr| columns.iter().position(|column| column.name == *name);
    world.constraints.get(&constraint.table).into_iter().flatten().any(|other| match &other.rule {
        Rule::PrimaryKey { columns, .. } | Rule::Unique { columns, .. } => {
            let mut sorted = columns.clone();
            sorted.sort_by_key(place);
            sorted == key.columns
        }
        _ => false,
    })
}

/// Whether views of the referenced table may stand for it: where several foreign keys of one name refer to it by different
/// columns, the API takes them for one that no view has whole.
fn is_whole(called: &Called<'_>, constraint: &Constraint, key: &ForeignKey) -> bool {
    let others = called.get(&(&constraint.name, &key.target)).into_iter().flatten();
    let like = others.filter(|other| other.columns.len() == key.columns.len());
    let parts: BTreeSet<(usize, &SmolStr)> = like.flat_map(|other| other.target_columns.iter().enumerate()).collect();
    parts.len() == key.columns.len()
}

/// The columns of tables that the views of the shown schemas pass on, through other views too.
fn passed<'w>(world: &'w World<'_>) -> Passed<'w> {
    let mut all: Passed<'w> = FxHashMap::default();
    for view in world.relations.iter().filter(|relation| relation.kind != RelationKind::Table) {
        for column in &view.columns {
            let mut at = column.of.clone();
            let mut seen = BTreeSet::new();
            while let Some((relation, name)) = at {
                let table = TableName::new(&*relation.schema, &*relation.name);
                if !seen.insert((table.clone(), name.clone())) {
                    break;
                }
                // The API looks into the views of these schemas only.
                let open = world.is_shown(&table.schema) || matches!(&*table.schema, "public" | "extensions");
                let below = world.shapes.view(&table).filter(|_| open);
                at = below.and_then(|shape| shape.columns.iter().find(|c| c.name == name)?.of.clone());
                let views = all.entry((table, name)).or_default();
                match views.last_mut().filter(|(last, _)| *last == &view.name) {
                    Some((_, columns)) => columns.push(column.name.clone()),
                    None => views.push((&view.name, vec![column.name.clone()])),
                }
            }
        }
    }
    all
}

/// Each choice of columns of a view that pass on all these columns of a table.
fn ways<'w>(passed: &Passed<'w>, table: &TableName, columns: &[SmolStr]) -> Vec<(&'w TableName, Vec<SmolStr>)> {
    let passing =
        |column: &SmolStr| passed.get(&(table.clone(), column.clone())).map(Vec::as_slice).unwrap_or_default();
    let Some((first, others)) = columns.split_first() else { return Vec::new() };
    let mut found = Vec::new();
    for (view, names) in passing(first) {
        let mut choices: Vec<Vec<SmolStr>> = names.iter().map(|name| vec![name.clone()]).collect();
        for column in others {
            let own = passing(column).iter().find(|(other, _)| other == view).map(|(_, names)| names.as_slice());
            let own = own.unwrap_or_default();
            choices = choices
                .iter()
                .flat_map(|choice| own.iter().map(|name| choice.iter().cloned().chain([name.clone()]).collect()))
                .collect();
        }
        found.extend(choices.into_iter().map(|choice| (*view, choice)));
    }
    found
}
