//! Every expression of an object.

use specc_catalog::{KeyOn, Object, Rule, SqlExpr};

/// Calls `f` for each expression, and whether Postgres keeps which columns it reads with the object as a whole.
pub(crate) fn each(object: &mut Object, mut f: impl FnMut(&mut SqlExpr, bool)) {
    match object {
        Object::Policy(o) => o.using.iter_mut().chain(o.check.iter_mut()).for_each(|expr| f(expr, true)),
        Object::Trigger(o) => o.when.iter_mut().for_each(|expr| f(expr, true)),
        Object::PublicationTable(o) => o.filter.iter_mut().for_each(|expr| f(expr, true)),
        Object::Domain(o) => {
            let checks = o.checks.iter_mut().map(|(_, expr)| expr);
            o.default.iter_mut().chain(checks).for_each(|expr| f(expr, false));
        }
        Object::Function(o) => {
            o.params.iter_mut().filter_map(|param| param.default.as_mut()).for_each(|expr| f(expr, false));
        }
        Object::Table(o) => {
            for column in &mut o.columns {
                column.default.iter_mut().for_each(|expr| f(expr, false));
                column.generated.iter_mut().for_each(|expr| f(expr, true));
            }
            let keys = o.partition_by.iter_mut().flat_map(|by| &mut by.keys);
            keys.filter_map(|key| expression(&mut key.on)).for_each(|expr| f(expr, false));
        }
        Object::Index(o) => {
            let keys = o.keys.iter_mut().filter_map(|key| expression(&mut key.on));
            keys.chain(o.filter.iter_mut()).for_each(|expr| f(expr, true));
        }
        Object::Constraint(o) => match &mut o.rule {
            Rule::Check { expr, .. } => f(expr, false),
            Rule::Exclude { elements, filter, .. } => {
                let keys = elements.iter_mut().filter_map(|(key, _)| expression(&mut key.on));
                keys.chain(filter.iter_mut()).for_each(|expr| f(expr, true));
            }
            _ => {}
        },
        _ => {}
    }
}

fn expression(on: &mut KeyOn) -> Option<&mut SqlExpr> {
    match on {
        KeyOn::Expr(expr) => Some(expr),
        KeyOn::Column(_) => None,
    }
}
