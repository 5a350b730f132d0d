//! Whether a partial unique index speaks of a row, as far as its values are known.

use smol_str::SmolStr;
use specc_model::known::{Known, KnownRow};
use specc_model::{EntityId, Expr, FieldIx, Model};

/// True or false where it can be told from the values given (a field left out has its default), else none.
pub(crate) fn holds(model: &Model, entity: EntityId, filter: &Expr, values: &[(FieldIx, SmolStr)]) -> Option<bool> {
    let nothing = KnownRow { model, field: &|_| None, value: None };
    let field = |at: FieldIx| {
        let field = &model.entity(entity).fields[at];
        match (values.iter().find(|(given, _)| *given == at), &field.default) {
            (Some((_, sql)), _) => Known::of_sql(model, sql, &field.ty),
            (None, Some(default)) => nothing.value(&default.formula, &field.ty),
            (None, None) => field.nullable.then_some(Known::Null),
        }
    };
    KnownRow { model, field: &field, value: None }.holds(&filter.formula)
}
