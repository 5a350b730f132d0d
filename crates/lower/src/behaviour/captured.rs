//! Names that a plain query in a condition takes from a row outside it: the triggers call the row at hand `new`, `old` or
//! `r`, and rows at the end of a path have names of their own.

use crate::expr::{Folder, Frame, RowRef, captured};
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span};
use specc_model::scope::Scope;
use specc_model::{EntityId, Expr, Model, On};

/// What the row that a condition is about is called in the functions of triggers.
const STORED: &[&str] = &["r"];
const WRITTEN: &[&str] = &["new"];
const ANY: &[&str] = &["r", "new", "old"];

/// Looks at every condition and value that triggers evaluate.
pub(super) fn check(model: &Model, out: &mut Vec<Diagnostic>) {
    let mut look = |what: &str, entity: EntityId, expr: &Expr, names: &[&str], span: Span| {
        out.extend(names.iter().find_map(|name| found(model, what, entity, expr, name, span)));
    };
    for entity in &model.entities {
        for limit in &entity.limits {
            let what = format!("limit `{}`", limit.name);
            look(&what, entity.id, &limit.condition, ANY, limit.condition.span);
            look(&what, entity.id, &limit.to, STORED, limit.to.span);
            limit.overflow.iter().for_each(|(_, value)| look(&what, entity.id, value, ANY, value.span));
            for element in &limit.promote_by {
                if let On::Expr(expr) = &element.on {
                    look(&what, entity.id, expr, STORED, expr.span);
                }
            }
        }
        for field in &entity.fields {
            let filter = field.maintained.as_ref().and_then(|it| Some((it.relation, it.filter.as_ref()?)));
            if let Some((relation, filter)) = filter {
                let what = format!("maintained value `{}`", field.name);
                look(&what, model.relation(relation).from, filter, ANY, filter.span);
            }
        }
        for step in entity.workflows.iter().flat_map(|workflow| &workflow.steps) {
            if let Some(guard) = &step.when {
                let what = format!("step from `{}` to `{}`", step.from, step.to);
                look(&what, entity.id, guard, WRITTEN, guard.span);
            }
        }
    }
}

fn found(model: &Model, what: &str, entity: EntityId, expr: &Expr, row: &str, span: Span) -> Option<Diagnostic> {
    let rows = [RowRef::Prefixed(row.into())];
    let mut folder = Folder::new(model, Frame::of(&Scope::of(entity), &rows));
    folder.text(&expr.formula);
    let name: SmolStr = folder.captured?;
    Some(captured(&name, &format!("the {what}"), name == row, span))
}
