//! Indexes that nothing declared needs.

use crate::explain::Planned;
use specc_catalog::{Catalog, IndexKey, KeyOn, Object, ObjectId, Rule};
use specc_model::Model;
use std::collections::BTreeSet;

/// Indexes that no plan uses, that hold nothing unique, and by which no reference finds its rows. Those of tables of which no
/// size is said are not judged: there an index costs nothing, and helps nobody yet.
pub fn idle<'c>(
    catalog: &'c Catalog,
    model: &Model,
    planned: &[Planned<'_>],
    said: &dyn Fn(&str, &str) -> bool,
) -> Vec<(&'c ObjectId, &'c specc_catalog::Index)> {
    let mut used = BTreeSet::new();
    let mut read = BTreeSet::new();
    for plan in planned.iter().filter_map(|planned| planned.plan.as_ref().ok()) {
        plan.visit(&mut |node| {
            used.extend(node.index.clone());
            read.extend(node.relation.clone());
        });
    }
    let mut found = Vec::new();
    for (id, entry) in catalog.iter() {
        let Object::Index(index) = &entry.object else { continue };
        let table = (index.table.schema.to_string(), index.table.name.to_string());
        let judged = said(&table.0, &table.1) && read.contains(&table);
        if judged && !index.unique && !used.contains(index.name.as_str()) && !is_of_reference(catalog, index) {
            found.push((id, index));
        }
    }
    let _ = model;
    found
}

/// Rows are found by it when what they refer to goes.
fn is_of_reference(catalog: &Catalog, index: &specc_catalog::Index) -> bool {
    let keys: Vec<Option<&str>> = index.keys.iter().map(column).collect();
    catalog.iter().any(|(_, entry)| match &entry.object {
        Object::Constraint(constraint) if constraint.table == index.table => match &constraint.rule {
            Rule::ForeignKey(key) => {
                let first = keys.get(..key.columns.len()).unwrap_or_default();
                !first.is_empty()
                    && first.iter().all(|name| name.is_some_and(|name| key.columns.iter().any(|c| c == name)))
            }
            _ => false,
        },
        _ => false,
    })
}

fn column(key: &IndexKey) -> Option<&str> {
    match &key.on {
        KeyOn::Column(name) => Some(name),
        KeyOn::Expr(_) => None,
    }
}
