//! Indexes that nothing declared needs.

use crate::explain::Planned;
use specc_analysis::catalog::Known;
use specc_catalog::{Catalog, Index, IndexKey, KeyOn, Object, Rule};
use std::collections::BTreeSet;

/// Indexes that no plan uses, that hold nothing unique, by which no reference finds its rows, and whose first column no policy,
/// function, trigger, view or job reads. `judged`: tables whose size is said; of others it is not known what an index would help.
/// Those that no declared query reads are not judged either.
pub fn idle<'c>(catalog: &'c Catalog, planned: &[Planned<'_>], judged: &dyn Fn(&str, &str) -> bool) -> Vec<&'c Index> {
    let (mut used, mut read) = (BTreeSet::new(), BTreeSet::new());
    for plan in planned.iter().filter_map(|planned| planned.plan.as_ref().ok()) {
        plan.visit(&mut |node| {
            used.extend(node.index.clone());
            read.extend(node.relation.clone());
        });
    }
    let known = Known::new(catalog);
    let mut found = Vec::new();
    for (_, entry) in catalog.iter() {
        let Object::Index(index) = &entry.object else { continue };
        let table = (index.table.schema.to_string(), index.table.name.to_string());
        let open = !index.unique && !used.contains(index.name.as_str());
        if open && judged(&table.0, &table.1) && read.contains(&table) && !is_needed(catalog, &known, index) {
            found.push(index);
        }
    }
    found
}

fn is_needed(catalog: &Catalog, known: &Known<'_>, index: &Index) -> bool {
    let keys: Vec<Option<&str>> = index.keys.iter().map(column).collect();
    // What an expression is for is not looked into.
    let Some(first) = keys.first().copied().flatten() else { return true };
    catalog.iter().any(|(_, entry)| match &entry.object {
        // Rows are found by it when what they refer to goes.
        Object::Constraint(constraint) if constraint.table == index.table => match &constraint.rule {
            Rule::ForeignKey(key) => {
                let own = keys.get(..key.columns.len()).unwrap_or_default();
                !own.is_empty() && own.iter().all(|name| name.is_some_and(|name| key.columns.iter().any(|c| c == name)))
            }
            _ => false,
        },
        Object::Policy(policy) if policy.table == index.table => {
            policy.using.iter().chain(&policy.check).any(|condition| condition.reads(first))
        }
        Object::Function(_) | Object::Trigger(_) | Object::View(_) | Object::Job(_) | Object::Sql(_) => {
            known.reads_column(&entry.object, &index.table, first)
        }
        _ => false,
    })
}

fn column(key: &IndexKey) -> Option<&str> {
    match &key.on {
        KeyOn::Column(name) => Some(name),
        KeyOn::Expr(_) => None,
    }
}
