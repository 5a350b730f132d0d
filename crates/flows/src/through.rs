//! What a view reads with the rights of who asks.

use crate::check::Schema;
use crate::need::Relation;
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use specc_analysis::Target;
use specc_catalog::{Object, TableName};

/// Relations that are read, with a column of them or none.
pub(crate) type Reads = Vec<(Relation, Option<SmolStr>)>;

/// How many views over each other are followed.
const DEEP: usize = 32;

impl Schema<'_> {
    /// The relations that a view reads, with the columns of them, where it does so with the rights of who asks.
    pub(crate) fn through(&self, view: &Relation) -> Reads {
        if let Some(found) = self.views.borrow().get(&view.name) {
            return found.clone();
        }
        let mut found = Vec::new();
        let (mut open, mut seen) = (vec![(view.clone(), 0)], FxHashSet::default());
        while let Some((relation, depth)) = open.pop() {
            let Some(Object::View(of)) = self.catalog.get(&relation.id).map(|entry| &entry.object) else { continue };
            if !of.security_invoker || of.materialized || depth > DEEP || !seen.insert(relation.name.clone()) {
                continue;
            }
            for reference in self.known.of_query(&of.query).references {
                let (name, columns) = match reference.target {
                    Target::Relation(name) => (name, vec![None]),
                    Target::Column(name, column) => (name, vec![Some(column)]),
                    Target::Columns(name) => {
                        let table = TableName::new(name.schema.clone(), name.name.clone());
                        let columns = self.api.relation(&table).map(|relation| &relation.columns);
                        let columns = columns.into_iter().flatten().map(|column| Some(column.name.clone()));
                        (name, columns.collect())
                    }
                    _ => continue,
                };
                let Some(base) = self.relation(&TableName::new(name.schema, name.name)) else { continue };
                found.extend(columns.into_iter().map(|column| (base.clone(), column)));
                open.push((base, depth + 1));
            }
        }
        found.sort_by(|a, b| (&a.0.id, &a.1).cmp(&(&b.0.id, &b.1)));
        found.dedup();
        self.views.borrow_mut().insert(view.name.clone(), found.clone());
        found
    }
}
