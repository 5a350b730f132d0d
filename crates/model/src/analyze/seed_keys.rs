//! Seed rows that have one key, or one value of what is unique, twice.

use crate::types::*;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes};

/// What is unique of an entity, in the author's words.
fn keys(entity: &Entity) -> Vec<(&str, Vec<FieldIx>)> {
    let of = |elements: &[Element]| {
        let field = |e: &Element| match e.on {
            On::Field(at) => Some(at),
            On::Expr(_) => None,
        };
        elements.iter().map(field).collect::<Option<Vec<FieldIx>>>()
    };
    let key = entity.key.iter().map(|key| ("key", key.fields.clone()));
    let uniques = entity.uniques.iter().filter(|u| u.filter.is_none());
    let uniques = uniques.filter_map(|u| Some(("unique value", of(&u.elements)?)));
    let indexes = entity.indexes.iter().filter(|i| i.unique && i.filter.is_none());
    key.chain(uniques).chain(indexes.filter_map(|i| Some(("unique value", of(&i.elements)?)))).collect()
}

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
            for (at, (what, fields)) in keys(entity).into_iter().enumerate() {
                let value = |field: &FieldIx| constant(&row.fields.iter().find(|(at, _)| at == field)?.1);
                let values: Option<Vec<SmolStr>> = fields.iter().map(value).collect();
                let Some(values) = values.filter(|values| !values.is_empty()) else { continue };
                let names: Vec<&str> = fields.iter().map(|field| entity.fields[*field].name.as_str()).collect();
                let names = names.join(", ");
                let several = row.count.is_some_and(|count| count > 1);
                let first = seen.insert((row.entity, at, values), row.span).or(several.then_some(row.span));
                if let Some(first) = first {
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
