//! Values on each side of the edges that a condition draws.

use crate::rows::{NULL, Placed, base};
use specc_facts::Family;
use specc_model::formula::{Formula, Node, Value};
use specc_model::{FieldIx, Model};
use specc_sql::quote;

/// Longer texts are not made.
const LONGEST: i64 = 20_000;

/// The constants of a condition.
fn constants(formula: &Formula) -> (Vec<String>, Vec<f64>) {
    let (mut texts, mut numbers) = (Vec::new(), Vec::new());
    formula.visit(|part| {
        if let Node::Literal(value) = &part.node {
            match value {
                Value::Number(digits) => numbers.extend(digits.parse::<f64>()),
                value => texts.extend(value.text().map(str::to_owned)),
            }
        }
    });
    (texts, numbers)
}

/// SQL of values for a column that a condition may tell apart, beside what the row has.
pub(crate) fn values(model: &Model, formula: &Formula, row: &Placed, field: FieldIx) -> Vec<String> {
    let entity = model.entity(row.entity);
    let ty = &entity.fields[field].ty;
    let (texts, numbers) = constants(formula);
    let mut all: Vec<String> = Vec::new();
    let own = row.value(model, field);
    match base(model, ty) {
        Some(family) if family.is_number() => {
            let steps: &[f64] =
                if family == Family::Integer { &[0.0, -1.0, 1.0] } else { &[0.0, -1.0, 1.0, -0.01, 0.01] };
            for number in &numbers {
                // Without what binary fractions add.
                let near = steps.iter().map(|step| ((number + step) * 1e6).round() / 1e6);
                all.extend(near.map(|number| quote::text(&number.to_string())));
            }
        }
        Some(Family::Text) => {
            all.extend(texts.iter().map(|text| quote::text(text)));
            all.extend(["''", "' '", "'No Such 1'", "'no-such'"].map(str::to_owned));
            let lengths = numbers.iter().map(|number| *number as i64).filter(|n| (0..LONGEST).contains(n));
            for length in lengths.flat_map(|n| [n - 1, n, n + 1]).filter(|n| *n >= 0) {
                all.push(format!("rpad(({own})::text, {length}, 'a')"));
            }
        }
        Some(Family::Boolean) => all.extend(["true", "false"].map(str::to_owned)),
        Some(Family::Json) => all.extend(["'{}'", "'[]'", "'1'"].map(str::to_owned)),
        Some(Family::Range | Family::Multirange) => all.push("'empty'".to_owned()),
        Some(Family::Moment) => {
            all.extend(texts.iter().map(|text| quote::text(text)));
            if own != NULL {
                all.extend(["-", "+"].map(|sign| format!("(({own})::timestamptz {sign} interval '1 day')")));
            }
        }
        // A label of an enum.
        None if ty.dims == 0 => all.extend(texts.iter().map(|text| quote::text(text))),
        None => all.push("'{}'".to_owned()),
        _ => {}
    }
    // Beside the other columns of the condition.
    for (_, other) in formula.columns() {
        let kind = base(model, &entity.fields[other].ty);
        if other == field || kind.is_none() || kind != base(model, ty) || row.is_null(model, other) {
            continue;
        }
        let value = row.value(model, other);
        let value = if value.starts_with("default") { continue } else { value };
        all.push(value.clone());
        match kind {
            Some(family) if family.is_number() => {
                all.extend(["-", "+"].map(|sign| format!("(({value})::numeric {sign} 1)")));
            }
            Some(Family::Moment) => {
                all.extend(["-", "+"].map(|sign| format!("(({value})::timestamptz {sign} interval '1 day')")));
            }
            _ => {}
        }
    }
    if entity.fields[field].nullable {
        all.push(NULL.to_owned());
    }
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|value| *value != own && seen.insert(value.clone()));
    all
}
