//! Drawn values of a field's type.

use crate::between::{self, Range};
use crate::plan::builtin;
use smol_str::SmolStr;
use specc_facts::Family;
use specc_model::{EntityId, Expr, FieldIx, Model, Type};
use specc_rows::fake::{self, Wish};
use specc_sql::quote;

/// `fake.kind` for a field of type `ty`.
pub(crate) fn fake(model: &Model, ty: &Type, kind: &str, seed: u64, ordinal: Option<u32>, attempt: u64) -> SmolStr {
    let room = match builtin(model, ty) {
        Some(name) if specc_facts::family(name) == Family::Text => ty.args.first().copied(),
        _ => None,
    };
    let room = room.and_then(|room| usize::try_from(room).ok());
    let text = fake::text(kind, Wish { seed, serial: ordinal.map(|n| n + 1), attempt, room });
    match kind {
        "bool" | "int" | "number" if builtin(model, ty) != Some("text") => text.into(),
        _ if ty.dims > 0 => format!("array[{}]", quote::literal(&text)).into(),
        _ => quote::literal(&text).into(),
    }
}

/// The range of `between(a, b)` for a field.
pub(crate) fn between(model: &Model, entity: EntityId, field: FieldIx, a: &Expr, b: &Expr) -> Range {
    let ty = &model.entity(entity).fields[field].ty;
    let name = builtin(model, ty).unwrap_or("numeric");
    between::range(&crate::sql(a), &crate::sql(b), name, &ty.args)
}
