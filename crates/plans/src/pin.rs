//! Plans that are written down, and why another one comes out.

use crate::plan::Node;
use specc_catalog::{Catalog, Object};
use specc_model::Query;
use specc_size::Sizes;
use std::collections::BTreeSet;

/// A plan as a file: the shape, below comments with what it was made of.
pub fn pinned(query: &Query, plan: &Node, sizes: &Sizes, major: u32, mark: &str) -> String {
    let mut out = format!("-- {mark}\n-- {} as {} on Postgres {major}\n-- rows: ", query.name, query.role);
    let tables: Vec<String> = tables(plan)
        .into_iter()
        .filter_map(|(schema, name)| {
            let rows = sizes.table(&schema, &name)?.rows;
            Some(format!("{name} {rows}"))
        })
        .collect();
    out.push_str(&tables.join(", "));
    out.push('\n');
    for line in query.text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        out.push_str("-- ");
        out.push_str(line);
        out.push('\n');
    }
    out.push_str(&plan.shape());
    out
}

fn tables(plan: &Node) -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    plan.visit(&mut |node| all.extend(node.relation.clone()));
    all
}

/// Why the plan of a query is another than the one that is written down; none where it is the same, or was made on another version
/// of Postgres.
pub fn changed(before: &str, now: &str, catalog: &Catalog) -> Option<String> {
    let (old, new) = (Parts::of(before), Parts::of(now));
    if old.head != new.head || old.shape == new.shape {
        return None;
    }
    let indexes: BTreeSet<&str> = catalog
        .iter()
        .filter_map(|(_, entry)| match &entry.object {
            Object::Index(index) => Some(index.name.as_str()),
            Object::Constraint(constraint) => Some(constraint.name.as_str()),
            _ => None,
        })
        .collect();
    let gone: Vec<&str> = old.indexes().into_iter().filter(|name| !indexes.contains(name)).collect();
    let another: Vec<&str> = new.indexes().into_iter().filter(|name| !old.indexes().contains(name)).collect();
    Some(match (old.text == new.text, old.rows == new.rows) {
        (false, _) => "the query is another".to_owned(),
        _ if !gone.is_empty() => format!("`{}` is gone", gone.join("`, `")),
        (_, false) => format!("the sizes are others: it was made for {}, and this one for {}", old.rows, new.rows),
        _ if !another.is_empty() => format!("`{}` serves it now", another.join("`, `")),
        _ => "policies, columns or statistics of its tables are others".to_owned(),
    })
}

struct Parts<'t> {
    head: &'t str,
    rows: &'t str,
    text: Vec<&'t str>,
    shape: Vec<&'t str>,
}

impl<'t> Parts<'t> {
    fn of(file: &'t str) -> Self {
        let comments: Vec<&str> = file.lines().map_while(|line| line.strip_prefix("-- ")).collect();
        let head = comments.get(1).copied().unwrap_or_default();
        let rows = comments.get(2).and_then(|line| line.strip_prefix("rows: ")).unwrap_or_default();
        let text = comments.get(3..).unwrap_or_default().to_vec();
        Self { head, rows, text, shape: file.lines().skip(comments.len()).collect() }
    }

    fn indexes(&self) -> BTreeSet<&'t str> {
        self.shape.iter().filter_map(|line| line.split_once(" using ").map(|(_, name)| name)).collect()
    }
}
