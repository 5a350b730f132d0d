//! What a way back says that it brings again otherwise than it was.

use specc_catalog::{Catalog, Object};
use specc_migrate::Lost;
use std::collections::BTreeSet;

/// A state with these columns and rules as they are in another one: a column without null or of its domain, a rule that holds or
/// is there at all.
pub fn as_brought_back(before: &Catalog, back: &Catalog, columns: &BTreeSet<Lost>, rules: &BTreeSet<Lost>) -> Catalog {
    let mut expected = before.clone();
    if columns.is_empty() && rules.is_empty() {
        return expected;
    }
    let is_said = |all: &BTreeSet<Lost>, schema: &str, table: &str, name: &str| {
        all.iter().any(|lost| lost.table == format!("{schema}.{table}") && lost.column.as_deref() == Some(name))
    };
    for (id, entry) in before.iter() {
        let is = back.get(id).map(|entry| &entry.object);
        let mut entry = entry.clone();
        match (&mut entry.object, is) {
            (Object::Table(was), Some(Object::Table(is))) => {
                for column in &mut was.columns {
                    let now = is.columns.iter().find(|other| other.name == column.name);
                    if let Some(now) = now.filter(|_| is_said(columns, &id.schema, &id.name, &column.name)) {
                        column.nullable = now.nullable;
                        column.ty.clone_from(&now.ty);
                        column.collation.clone_from(&now.collation);
                    }
                }
            }
            (was @ (Object::Constraint(_) | Object::Index(_)), is) => {
                let name = match was {
                    Object::Constraint(o) => o.name.clone(),
                    _ => id.name.clone(),
                };
                let said = was.table().is_some_and(|table| is_said(rules, &table.schema, &table.name, &name));
                match (said, is) {
                    (false, _) => continue,
                    (true, Some(Object::Constraint(is))) => {
                        if let Object::Constraint(was) = was {
                            was.not_valid = is.not_valid;
                        }
                    }
                    (true, Some(_)) => {}
                    (true, None) => {
                        expected.retain(|other, _| other != id);
                        continue;
                    }
                }
            }
            _ => continue,
        }
        expected.insert(entry);
    }
    expected
}
