//! What texts name: which columns each expression reads, and what the bodies of functions need. Postgres keeps the first
//! for objects as a whole, and the second not at all.

use crate::expressions::each;
use smol_str::SmolStr;
use specc_analysis::catalog::Known;
use specc_catalog::{Catalog, Dependency, KeyOn, Object, ObjectId, SqlExpr, TableName};

/// Why something needs what only its text names.
pub(crate) const NAMED: &str = "its text names it";

/// Fills in the columns that expressions read, and the needs of bodies.
pub(crate) fn resolve(catalog: &mut Catalog) {
    let known = Known::new(catalog);
    let mut found: Vec<(ObjectId, Object, Vec<Dependency>)> = Vec::new();
    for (id, entry) in catalog.iter() {
        match &entry.object {
            Object::Function(function) if !function.body.is_atomic() => {
                let Some(analysis) = known.of_body(function) else { continue };
                let needs = analysis.references.iter().filter_map(|reference| known.id(&reference.target));
                let mut needs: Vec<ObjectId> =
                    needs.filter(|on| on != id && !entry.depends.iter().any(|known| known.on == *on)).collect();
                needs.sort();
                needs.dedup();
                if !needs.is_empty() {
                    let needs = needs.into_iter().map(|on| Dependency::new(on, NAMED)).collect();
                    found.push((id.clone(), entry.object.clone(), needs));
                }
            }
            object => {
                let table = match object {
                    Object::Table(table) => Some(table.table.clone()),
                    other => other.table().cloned(),
                };
                let Some(table) = table else { continue };
                let mut object = object.clone();
                if columns(&known, &table, &mut object) {
                    found.push((id.clone(), object, Vec::new()));
                }
            }
        }
    }
    drop(known);
    for (id, object, needs) in found {
        let Some(entry) = catalog.get_mut(&id) else { continue };
        entry.object = object;
        entry.depends.extend(needs);
        entry.depends.sort();
    }
}

/// Fills in which columns of its own table each expression of an object reads; whether there are any.
fn columns(known: &Known<'_>, table: &TableName, object: &mut Object) -> bool {
    let mut any = false;
    let mut fill = |expr: &mut SqlExpr| {
        let columns: Vec<SmolStr> = known.own_columns(table, &expr.text);
        any |= columns != expr.columns;
        expr.columns = columns;
    };
    each(object, |expr, of_row| {
        if of_row {
            fill(expr);
        }
    });
    if let Object::Table(own) = object
        && let Some(by) = &mut own.partition_by
    {
        for key in &mut by.keys {
            if let KeyOn::Expr(expr) = &mut key.on {
                fill(expr);
            }
        }
    }
    any
}
