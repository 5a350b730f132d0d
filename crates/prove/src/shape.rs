//! Texts that a check builds of other columns of the row: `path like owner_id::text || '/%'`.

use crate::encode::word;
use crate::sorts::operand;
use specc_model::formula::{Formula, Node, Operator, Value};
use specc_model::{Entity, FieldIx};

/// A text for a column that the checks compare with a pattern over other columns, whose texts `column` gives.
pub fn shaped(entity: &Entity, field: FieldIx, column: &dyn Fn(FieldIx) -> Option<String>) -> Option<String> {
    let conditions = entity.checks.iter().flat_map(|check| check.expr.formula.chain(&Operator::And));
    conditions.map(Formula::bare).find_map(|condition| {
        let Node::Form(form) = &condition.node else { return None };
        let operands: Vec<&Formula> = form.parts.iter().filter_map(operand).collect();
        let (Some("like"), [of, pattern]) = (word(form), operands.as_slice()) else { return None };
        let pattern = (of.own_column() == Some(field)).then(|| text(pattern, column)).flatten()?;
        // What a wildcard stands for may be anything.
        Some(pattern.replace(['%', '_'], "x"))
    })
}

/// The text of an expression that only puts texts together.
fn text(formula: &Formula, column: &dyn Fn(FieldIx) -> Option<String>) -> Option<String> {
    match &formula.bare().node {
        Node::Literal(Value::Null) => None,
        Node::Literal(value) => value.text().map(str::to_owned),
        Node::Column(..) => column(formula.own_column()?),
        Node::Cast(cast) => text(&cast.of, column),
        Node::Binary(Operator::Other(op), sides) if op == "||" => {
            Some(text(&sides.0, column)? + &text(&sides.1, column)?)
        }
        _ => None,
    }
}
