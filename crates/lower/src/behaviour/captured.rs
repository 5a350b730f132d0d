//! Names that a plain query in a condition takes from a row outside it: the triggers call the row at hand `new` or `r`, and
//! rows at the end of a path have names of their own.

use crate::expr::{Folder, Frame, RowRef, captured};
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span};
use specc_model::scope::Scope;
use specc_model::{EntityId, Expr, Model, On};

/// What the row that a condition is about is called in the functions of triggers.
const STORED: &str = "r";
const WRITTEN: &str = "new";

/// Looks at every condition and value that triggers evaluate and that can hold a query: a count, a sum and a limit look at
/// the columns of one row.
pub(super) fn check(model: &Model, out: &mut Vec<Diagnostic>) {
    for entity in &model.entities {
        for limit in &entity.limits {
            for element in &limit.promote_by {
                if let On::Expr(expr) = &element.on {
                    out.extend(found(model, &format!("limit `{}`", limit.name), entity.id, expr, STORED, expr.span));
                }
            }
        }
        for step in entity.workflows.iter().flat_map(|workflow| &workflow.steps) {
            if let Some(guard) = &step.when {
                let what = format!("step from `{}` to `{}`", step.from, step.to);
                out.extend(found(model, &what, entity.id, guard, WRITTEN, guard.span));
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
