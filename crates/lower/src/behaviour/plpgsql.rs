//! Pieces of plpgsql text. Names and literals are quoted by `specc_sql::quote` alone.

use crate::expr::{self, Folder, Frame, RowRef};
use crate::structure::table_of;
use specc_facts::{Equality, type_info};
use specc_model::formula::Formula;
use specc_model::scope::Scope;
use specc_model::{Base, Entity, Expr, FieldIx, Model};
use specc_sql::quote::{ident, literal, qualified};

/// The quoted name of a field's column.
pub(crate) fn column(entity: &Entity, field: FieldIx) -> String {
    ident(&entity.fields[field].name).into_owned()
}

/// The quoted names of columns.
pub(super) fn columns(entity: &Entity, fields: &[FieldIx]) -> Vec<String> {
    fields.iter().map(|f| column(entity, *f)).collect()
}

/// `r.a, r.b`
pub(super) fn list(row: &str, columns: &[String]) -> String {
    columns.iter().map(|c| format!("{row}.{c}")).collect::<Vec<_>>().join(", ")
}

/// `p.id = new.event_id and p.part = new.part`
pub(super) fn equal(left: &str, left_columns: &[String], right: &str, right_columns: &[String]) -> String {
    let pairs = left_columns.iter().zip(right_columns);
    pairs.map(|(l, r)| format!("{left}.{l} = {right}.{r}")).collect::<Vec<_>>().join(" and ")
}

/// `r.a is not null and r.b is not null`, for the columns that can be null.
pub(super) fn present(entity: &Entity, row: &str, fields: &[FieldIx]) -> Vec<String> {
    let nullable = fields.iter().filter(|f| entity.fields[**f].nullable);
    nullable.map(|f| format!("{row}.{} is not null", column(entity, *f))).collect()
}

/// `r.a`, or `(r.a, r.b)`.
pub(super) fn tuple(row: &str, columns: &[String]) -> String {
    match columns {
        [one] => format!("{row}.{one}"),
        several => format!("({})", list(row, several)),
    }
}

/// The rows of a statement as a table `r`, with a column that says whether they came (1) or went (-1).
pub(super) struct Rows {
    pub source: String,
    /// The quoted name of that column.
    pub sign: String,
    pub event: &'static str,
}

impl Rows {
    pub fn of(entity: &Entity, event: &'static str) -> Self {
        let mut sign = "sign".to_owned();
        while entity.field(&sign).is_some() {
            sign.push('_');
        }
        let source = match event {
            "INSERT" => format!("(select r.*, 1 as {sign} from new_rows r)"),
            "DELETE" => format!("(select r.*, -1 as {sign} from old_rows r)"),
            _ => format!(
                "(\n  select r.*, 1 as {sign} from new_rows r\n  union all\n  select r.*, -1 from old_rows r\n)"
            ),
        };
        Self { source, sign, event }
    }
}

/// The quoted, qualified name of the table.
pub(super) fn table(entity: &Entity) -> String {
    let table = table_of(entity);
    qualified(&table.schema, &table.name)
}

/// `events.status`, for messages: names as they are.
pub(crate) fn spoken(entity: &Entity, field: FieldIx) -> String {
    format!("{}.{}", entity.name.name, entity.fields[field].name)
}

/// A literal for the first argument of `raise`, where `%` stands for the next value.
pub(super) fn message(text: &str) -> String {
    literal(text)
}

/// Text that has no placeholder in a message.
pub(super) fn no_placeholders(text: &str) -> String {
    text.replace('%', "%%")
}

/// The condition or value `expr` over a row of `entity` that is called `row`.
pub(super) fn over(model: &Model, entity: &Entity, row: &str, expr: &Expr) -> String {
    expr::lower(model, &Scope::of(entity.id), &[RowRef::Prefixed(row.into())], expr).text.to_string()
}

/// The same, fit to stand beside `and`.
pub(super) fn condition(model: &Model, entity: &Entity, row: &str, expr: &Expr) -> String {
    Folder::new(model, Frame::of(&Scope::of(entity.id), &[RowRef::Prefixed(row.into())])).operand(&expr.formula)
}

/// Whether a lowered expression reads other rows: such a one cannot stand in a trigger's `when`.
pub(super) fn has_subquery(sql: &str) -> bool {
    let lower = sql.to_ascii_lowercase();
    lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == "select")
}

/// A part of an expression over a row of `entity` that is called `row`.
pub(super) fn part_over(model: &Model, entity: &Entity, row: &str, part: &Formula) -> String {
    expr::lower_formula(model, &Scope::of(entity.id), &[RowRef::Prefixed(row.into())], part).text.to_string()
}

/// `old.a is distinct from new.a`: whether the value is another one for Postgres's `=`, as keys are.
pub(super) fn changed(entity: &Entity, field: FieldIx) -> String {
    let name = column(entity, field);
    format!("old.{name} is distinct from new.{name}")
}

/// Whether the value is another one in any way. Where `=` measures, takes some spellings for the same or is not there,
/// values are compared as they are written.
pub(crate) fn differs(model: &Model, entity: &Entity, field: FieldIx) -> String {
    let name = column(entity, field);
    let field = &entity.fields[field];
    let identity = |name: &str| type_info(name).is_some_and(|info| info.equality == Equality::Identity);
    let exact = field.collation.is_none()
        && match &model.under(&field.ty).base {
            Base::Builtin(name) => identity(name),
            Base::Enum(_) => true,
            Base::Domain(_) | Base::Composite(_) | Base::Row(_) | Base::Named(_) | Base::Unknown => false,
        };
    let cast = if exact { "" } else { "::text" };
    format!("old.{name}{cast} is distinct from new.{name}{cast}")
}

/// Indents all lines of `text` but the first, which stands where it is inserted.
pub(crate) fn indented(text: &str, spaces: usize) -> String {
    text.replace('\n', &format!("\n{}", " ".repeat(spaces)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subquery_is_seen_but_not_a_name_that_looks_like_one() {
        assert!(has_subquery("exists (select from t)"));
        assert!(!has_subquery("new.selected"));
    }
}
