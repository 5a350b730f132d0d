//! Seed rows that have one key, or one value of what is unique, twice.

use crate::types::*;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes};

/// A value that is the same whenever it is read, as a text.
fn constant(value: &SeedValue) -> Option<SmolStr> {
    match value {
        SeedValue::Expr(expr) => {
            let text = expr.formula.literal_text().map(SmolStr::from);
            let text = text.or_else(|| expr.formula.is_constant().then(|| expr.text.clone()))?;
            (!text.eq_ignore_ascii_case("null")).then_some(text)
        }
        SeedValue::Label { entity, label } => Some(format!("{}:{label}", entity.0).into()),
        SeedValue::Any(_) | SeedValue::Fake(_) | SeedValue::Between(..) | SeedValue::OneOf(_) => None,
    }
}

/// Reports them; each environment has the rows of `base` too.
pub(crate) fn check(model: &Model, out: &mut Vec<Diagnostic>) {
    let mut base: FxHashMap<(EntityId, usize, Vec<SmolStr>), Span> = FxHashMap::default();
    for set in &model.seeds {
        let mut seen = base.clone();
        for row in &set.rows {
            let entity = model.entity(row.entity);
            let sets = entity.unique_sets().enumerate().filter(|(_, set)| set.filter.is_none());
            for (at, fields) in sets.filter_map(|(at, set)| Some((at, set.fields?))) {
                let value = |field: &FieldIx| constant(&row.fields.iter().find(|(at, _)| at == field)?.1);
                let values: Option<Vec<SmolStr>> = fields.iter().map(value).collect();
                let Some(values) = values.filter(|values| !values.is_empty()) else { continue };
                let names: Vec<&str> = fields.iter().map(|field| entity.fields[*field].name.as_str()).collect();
                let names = names.join(", ");
                let several = row.count.is_some_and(|count| count > 1);
                let first = seen.insert((row.entity, at, values), row.span).or(several.then_some(row.span));
                if let Some(first) = first {
                    let is_key = entity.key.as_ref().is_some_and(|key| key.fields == fields);
                    let what = if is_key { "key" } else { "unique value" };
                    let message = format!("two rows of `{}` have one {what}: `{names}`", entity.name.name);
                    let found = Diagnostic::new(codes::SEED_DUPLICATE, row.span, message);
                    let found = if first == row.span { found } else { found.also(first, "the other row") };
                    out.push(found.help("give each row its own value"));
                    break;
                }
            }
        }
        if set.env == "base" {
            base = seen;
        }
    }
}
