//! What a table says of its rows: keys, what is unique, checks.

use smol_str::SmolStr;
use specc_catalog::{Catalog, ForeignKey, KeyOn, Object, Rule, SqlExpr, TableName};

/// What a table says of itself.
pub(crate) struct Said<'c> {
    pub keys: Vec<&'c ForeignKey>,
    pub unique: Vec<Vec<SmolStr>>,
    /// Unique among the rows that a condition is about.
    pub partly: Vec<(Vec<SmolStr>, String)>,
    pub checks: Vec<&'c SqlExpr>,
}

/// Constraints and unique indexes of a table.
pub(crate) fn said<'c>(catalog: &'c Catalog, table: &TableName) -> Said<'c> {
    let mut said = Said { keys: Vec::new(), unique: Vec::new(), partly: Vec::new(), checks: Vec::new() };
    for (_, entry) in catalog.iter() {
        match &entry.object {
            Object::Constraint(o) if o.table == *table => match &o.rule {
                Rule::PrimaryKey { columns, .. } | Rule::Unique { columns, .. } => said.unique.push(columns.clone()),
                Rule::Check { expr, .. } => said.checks.push(expr),
                Rule::ForeignKey(key) => said.keys.push(key),
                // What nothing else has in common meets nothing.
                Rule::Exclude { elements, .. } => {
                    said.unique.push(elements.iter().filter_map(|(key, _)| key.column_name()).cloned().collect());
                }
            },
            Object::Index(o) if o.unique && o.table == *table => {
                let columns = o.keys.iter().flat_map(|key| match &key.on {
                    KeyOn::Column(name) => vec![name.clone()],
                    KeyOn::Expr(expr) => expr.columns.clone(),
                });
                match &o.filter {
                    Some(filter) => said.partly.push((columns.collect(), filter.text.to_string())),
                    None => said.unique.push(columns.collect()),
                }
            }
            _ => {}
        }
    }
    // The keys that decide most come first.
    said.keys.sort_by_key(|key| (std::cmp::Reverse(key.columns.len()), key.columns.clone()));
    said.keys.dedup_by(|a, b| a.columns == b.columns);
    said.unique.sort_by_key(|set| (set.len(), set.clone()));
    said.unique.dedup();
    said
}
