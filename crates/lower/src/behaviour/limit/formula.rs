//! What a limit's formulas say: where the number of places is, and what a promoted row becomes.

use super::Places;
use crate::behaviour::plpgsql::part_over;
use smol_str::SmolStr;
use specc_model::formula::{Formula, Node, Operator};
use specc_model::{FieldIx, Limit, Model, Relation};

/// The relation and field of `to event.capacity`.
pub(super) fn number_from<'a>(model: &'a Model, limit: &Limit) -> Option<(&'a Relation, FieldIx)> {
    match &limit.to.formula.bare().node {
        Node::Path(_, steps, field) if steps.len() == 1 => Some((model.relation(steps[0].relation), *field)),
        _ => None,
    }
}

/// What the fields of the overflow become in a promoted row: what the limit's condition asks of them; nothing where that
/// cannot be told.
pub(super) fn promoted_values(places: &Places) -> Vec<(FieldIx, Option<String>)> {
    let condition = &places.limit.condition.formula;
    let mut wanted = Vec::new();
    assignments(places, condition, &mut wanted);
    let read = fields_in(condition);
    let overflow = places.limit.overflow.iter().map(|(field, _)| *field);
    overflow
        .filter_map(|field| match wanted.iter().find(|(f, _)| *f == field) {
            Some((_, value)) => Some((field, Some(value.clone()))),
            // Not asked of: it stays as it is. Asked of in another way: unknown.
            None => read.contains(&field).then_some((field, None)),
        })
        .collect()
}

/// The columns that the condition reads.
pub(super) fn condition_columns(places: &Places) -> Vec<SmolStr> {
    let fields = fields_in(&places.limit.condition.formula);
    fields.into_iter().map(|f| places.entity.fields[f].name.clone()).collect()
}

/// The equalities that a condition is made of.
fn assignments(places: &Places, formula: &Formula, found: &mut Vec<(FieldIx, String)>) {
    let value = |value: &Formula| part_over(places.model, places.entity, "r", value);
    for part in formula.bare().chain(&Operator::And).into_iter().map(Formula::bare) {
        match &part.node {
            Node::Binary(Operator::And, _) => assignments(places, part, found),
            Node::Binary(Operator::Equal, sides) => {
                if let Some(field) = sides.0.own_column() {
                    found.push((field, value(&sides.1)));
                } else if let Some(field) = sides.1.own_column() {
                    found.push((field, value(&sides.0)));
                }
            }
            Node::InList(list, false) => {
                if let (Some(field), Some(first)) = (list.0.own_column(), list.1.first()) {
                    found.push((field, value(first)));
                }
            }
            Node::Not(inner) | Node::Is(inner, "false") => {
                found.extend(inner.own_column().map(|field| (field, "false".to_owned())));
            }
            Node::Is(inner, "true") => {
                found.extend(inner.own_column().map(|field| (field, "true".to_owned())));
            }
            Node::IsNull(inner, false) => {
                found.extend(inner.own_column().map(|field| (field, "null".to_owned())));
            }
            _ => found.extend(part.own_column().map(|field| (field, "true".to_owned()))),
        }
    }
}

fn fields_in(formula: &Formula) -> Vec<FieldIx> {
    formula.columns().into_iter().map(|(_, field)| field).collect()
}
