//! Pieces of plpgsql text. Names and literals are quoted by `specc_sql::quote` alone.

use crate::expr::{Folder, Frame, RowRef};
use crate::structure::table_of;
use specc_diag::{Diagnostic, Span, codes};
use specc_facts::{Equality, type_info};
use specc_model::formula::extensions::{
    equality_schema, extension_schema, in_plain_sql, qualified_operator, schema_of_type,
};
use specc_model::formula::{Formula, Node};
use specc_model::scope::Scope;
use specc_model::{Base, Entity, Expr, Extension, FieldIx, Model, Object, Owned, Type};
use specc_split::Lexer;
use specc_sql::quote::{ident, literal, qualified};

/// The quoted name of a field's column.
pub(crate) fn column(entity: &Entity, field: FieldIx) -> String {
    ident(&entity.fields[field].name).into_owned()
}

/// A column as bodies name and compare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// Its quoted name.
    pub name: String,
    /// `=`, or the operator of the extension that brings its type.
    pub equals: String,
}

impl std::fmt::Display for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// Columns, as bodies name and compare them.
pub(super) fn columns(model: &Model, entity: &Entity, fields: &[FieldIx]) -> Vec<Column> {
    let one = |f: &FieldIx| Column { name: column(entity, *f), equals: equals(model, entity, *f) };
    fields.iter().map(one).collect()
}

/// The operator by which values of a field are equal, whatever the search path.
pub(super) fn equals(model: &Model, entity: &Entity, field: FieldIx) -> String {
    let schema = equality_schema(model, &entity.fields[field].ty);
    schema.map_or_else(|| "=".to_owned(), |schema| qualified_operator(&schema, "="))
}

/// A type as bodies write it, with the schema of the extension that brings it.
pub(super) fn type_name(model: &Model, ty: &Type) -> String {
    let mut named = crate::types::data_type(model, ty);
    if let Some(schema) = schema_of_type(model, ty) {
        named.schema = schema;
    }
    let mut out = String::new();
    specc_sql::push_type(&mut out, &named);
    out
}

/// `r.a, r.b`
pub(super) fn list(row: &str, columns: &[Column]) -> String {
    columns.iter().map(|c| format!("{row}.{c}")).collect::<Vec<_>>().join(", ")
}

/// `p.id = new.event_id and p.part = new.part`
pub(super) fn equal(left: &str, left_columns: &[Column], right: &str, right_columns: &[Column]) -> String {
    let pairs = left_columns.iter().zip(right_columns);
    pairs.map(|(l, r)| format!("{left}.{l} {} {right}.{r}", l.equals)).collect::<Vec<_>>().join(" and ")
}

/// `r.a is not null and r.b is not null`, for the columns that can be null.
pub(super) fn present(entity: &Entity, row: &str, fields: &[FieldIx]) -> Vec<String> {
    let nullable = fields.iter().filter(|f| entity.fields[**f].nullable);
    nullable.map(|f| format!("{row}.{} is not null", column(entity, *f))).collect()
}

/// `r.a in (query)`, or `(r.a, r.b) in (query)`.
pub(super) fn within(row: &str, columns: &[Column], query: &str) -> String {
    match columns {
        [one] if one.equals == "=" => format!("{row}.{one} in ({query})"),
        [one] => format!("{row}.{one} {} any ({query})", one.equals),
        several if several.iter().all(|c| c.equals == "=") => format!("({}) in ({query})", list(row, several)),
        several => {
            let names: Vec<_> = several.iter().map(|c| c.name.as_str()).collect();
            let same = equal(row, several, "wanted", several);
            format!("exists (select from ({query}) as wanted ({}) where {same})", names.join(", "))
        }
    }
}

/// Whether a change in the row at hand is somebody's own, for `when`: not that of a foreign key's action, nor of a trigger that
/// follows the rows of others. Those come below the level of a statement, and with the rights of an owner: everybody can have
/// a trigger of his own, on a temporary table, and change rows from there.
pub(super) fn by_hand(model: &Model, entity: &Entity) -> String {
    let mut owners = vec![format!("has_schema_privilege({}, 'create')", literal(&model.options.helper_schema))];
    let own = |of: &Owned| matches!(of, Owned::Object(Object::Entity(id)) if *id == entity.id);
    let given = model.owners.iter().filter(|ownership| own(&ownership.of));
    owners.extend(given.map(|ownership| format!("pg_has_role({}, 'usage')", literal(&ownership.role))));
    match owners.as_slice() {
        [one] => format!("(pg_trigger_depth() = 0 or not {one})"),
        several => format!("(pg_trigger_depth() = 0 or not ({}))", several.join(" or ")),
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
pub(crate) fn over(model: &Model, entity: &Entity, row: &str, expr: &Expr) -> String {
    folder(model, entity, row).text(&expr.formula)
}

/// The same in a body that runs with the rights of whoever writes.
pub(super) fn over_looked_up(model: &Model, entity: &Entity, row: &str, expr: &Expr) -> String {
    let mut folder = folder(model, entity, row);
    folder.looked_up = true;
    folder.text(&expr.formula)
}

/// The same, fit to stand beside `and`.
pub(super) fn condition(model: &Model, entity: &Entity, row: &str, expr: &Expr) -> String {
    folder(model, entity, row).operand(&expr.formula)
}

/// Writes formulas over a row of `entity` that is called `row`, for a search path without extensions.
fn folder<'m>(model: &'m Model, entity: &Entity, row: &str) -> Folder<'m> {
    let mut folder = Folder::new(model, Frame::of(&Scope::of(entity.id), &[RowRef::Prefixed(row.into())]));
    folder.fixed = true;
    folder
}

/// The search path of a body that these formulas stand in. Their operators and functions are written with their schemas;
/// in plain SQL of the author's they are not, so the schemas of extensions are on the path where there is some: those in
/// which no client can make an object that would be taken for another. In `public`, where extensions lie unless the spec
/// says otherwise, clients of many databases can.
pub(crate) fn search_path<'f>(model: &'f Model, formulas: impl Iterator<Item = &'f Formula>) -> String {
    let mut plain = false;
    for formula in formulas {
        formula.visit_all(model, &mut |part| plain |= matches!(part.node, Node::Sql(_) | Node::AsIs(..)));
    }
    let mut path = vec!["pg_catalog".to_owned()];
    if plain {
        let open = |schema: &str| {
            let granted = |object: &Object| matches!(object, Object::Schema(name) if name == schema);
            let creates = |(privilege, _): &(smol_str::SmolStr, _)| privilege == "create" || privilege == "all";
            schema == "public"
                || schema == model.options.default_schema
                || model.grants.iter().any(|g| !g.revoke && granted(&g.object) && g.privileges.iter().any(creates))
        };
        for schema in model.extensions.iter().filter_map(|e| e.schema.as_deref()).filter(|schema| !open(schema)) {
            let schema = ident(schema).into_owned();
            if !path.contains(&schema) {
                path.push(schema);
            }
        }
    }
    path.push("pg_temp".to_owned());
    path.join(", ")
}

/// Says where plain SQL of the author's, in a body with this search path, uses an extension that is not on it.
pub(crate) fn unresolved<'f>(
    model: &Model,
    own: &Entity,
    formulas: impl Iterator<Item = &'f Formula>,
    path: &str,
    span: Span,
) -> Option<Diagnostic> {
    let used: Vec<_> = formulas.flat_map(|formula| in_plain_sql(model, own, formula)).collect();
    let lies = |extension: &Extension| ident(&extension_schema(model, &extension.name)).into_owned();
    let missing = used.into_iter().find(|e| !path.split(", ").any(|schema| schema == lies(e)))?;
    let message = format!(
        "plain SQL here uses the extension `{}`, and the trigger that it stands in does not search `{}`",
        missing.name,
        extension_schema(model, &missing.name)
    );
    let help = format!(
        "write it without a query (`exists path (…)`, a predicate), or declare `extension {} in extensions`",
        missing.name
    );
    Some(Diagnostic::new(codes::OPEN_SEARCH_PATH, span, message).help(help))
}

/// Whether a lowered expression reads other rows: such a one cannot stand in a trigger's `when`.
pub(super) fn has_subquery(sql: &str) -> bool {
    let lower = sql.to_ascii_lowercase();
    lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == "select")
}

/// A part of an expression over a row of `entity` that is called `row`.
pub(super) fn part_over(model: &Model, entity: &Entity, row: &str, part: &Formula) -> String {
    folder(model, entity, row).text(part)
}

/// `old.a is distinct from new.a`: whether the value is another one for Postgres's `=`, as keys are.
pub(super) fn changed(model: &Model, entity: &Entity, field: FieldIx) -> String {
    let name = column(entity, field);
    distinct(model, entity, field, &format!("old.{name}"), &format!("new.{name}"))
}

/// `a is distinct from b` for values of a field, by the equality that its type has.
pub(crate) fn distinct(model: &Model, entity: &Entity, field: FieldIx, left: &str, right: &str) -> String {
    match equals(model, entity, field).as_str() {
        "=" => format!("{left} is distinct from {right}"),
        equals => format!("not coalesce({left} {equals} {right}, {left} is null and {right} is null)"),
    }
}

/// Whether the value is another one in any way. Where `=` measures, takes some spellings for the same or is not there,
/// values are compared as they are stored: how they are written depends on settings of the session.
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
    if exact {
        return format!("old.{name} is distinct from new.{name}");
    }
    format!("record_image_ne(row(old.{name}), row(new.{name}))")
}

/// Indents all lines of `text` but the first, which stands where it is inserted; lines inside a literal or a quoted name
/// stay as they are.
pub(crate) fn indented(text: &str, spaces: usize) -> String {
    let end = format!("\n{}", " ".repeat(spaces));
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut last = 0;
    for token in Lexer::new(text).map_while(Result::ok) {
        out.push_str(&text[last..token.start].replace('\n', &end));
        out.push_str(&text[token.start..token.end]);
        last = token.end;
    }
    out.push_str(&text[last..].replace('\n', &end));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_over_lines_keeps_them() {
        assert_eq!(
            indented("select a\n  from t\n  where b = 'x\ny' or \"c\nd\" = $q$\n$q$\n", 2),
            "select a\n    from t\n    where b = 'x\ny' or \"c\nd\" = $q$\n$q$\n  "
        );
    }

    #[test]
    fn a_subquery_is_seen_but_not_a_name_that_looks_like_one() {
        assert!(has_subquery("exists (select from t)"));
        assert!(!has_subquery("new.selected"));
    }
}
