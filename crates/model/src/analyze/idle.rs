//! What is said of the way from the last state, and does nothing there: it is said for the first time, and nothing follows.

use super::environment::Known;
use super::project::Project;
use crate::past::{column_before, fills, table, table_before};
use crate::types::*;
use smol_str::SmolStr;
use specc_catalog::{Catalog, Column, Table, TableName};
use specc_diag::{Diagnostic, Span, codes};
use specc_facts::{Context, casts_to};

/// Looks at each entity, where the last state is known.
pub(super) fn check(project: &Project<'_>, model: &Model, out: &mut Vec<Diagnostic>) {
    let Some(last) = model.options.last.as_deref().filter(|last| !last.is_empty()) else { return };
    for entity in model.entities.iter().filter(|entity| !entity.external) {
        let name = TableName::new(entity.name.schema.clone(), entity.name.name.clone());
        let before = table_before(model, entity);
        if let Some(was) = &entity.meta.was {
            let said = last.said.renames.iter().any(|it| it.part.is_none() && it.id == name.id());
            let schema = entity.meta.was_in.as_ref().unwrap_or(&name.schema);
            let old = table(last, &TableName::new(schema.clone(), was.clone()));
            let taken = table(last, &name).is_some();
            let moves_on = model.entities.iter().any(|it| it.meta.was.as_ref() == Some(&name.name));
            if !said {
                was_nothing(was, old.is_some(), taken, moves_on, entity.meta.span, out);
            }
        }
        for origin in &entity.origins {
            let said = last.said.froms.iter().any(|it| it.table == name);
            if let Some(before) = before.filter(|_| !said) {
                let message = format!("`from` does nothing: the table `{}` is there already", before.table.name);
                let help = "rows of a new entity come from a query; write rows to one that is there in a migration of your own";
                out.push(Diagnostic::new(codes::IDLE, origin.span, message).help(help));
            }
        }
        fields(project, model, last, entity, before, &name, out);
    }
}

/// A rename of what was not there.
fn was_nothing(was: &SmolStr, old: bool, taken: bool, moves_on: bool, span: Span, out: &mut Vec<Diagnostic>) {
    let message = match (old, taken) {
        (false, false) => format!("`was {was}` does nothing: nothing was called `{was}` in the last state"),
        (true, true) if !moves_on => format!("`was {was}` does nothing: both names are there in the last state"),
        _ => return,
    };
    let help = format!("remove `was {was}`, or name what it was called");
    out.push(Diagnostic::new(codes::IDLE, span, message).help(help));
}

fn fields(
    project: &Project<'_>,
    model: &Model,
    last: &Catalog,
    entity: &Entity,
    before: Option<&Table>,
    name: &TableName,
    out: &mut Vec<Diagnostic>,
) {
    let column = |name: &SmolStr| before.and_then(|table| table.columns.iter().find(|column| column.name == *name));
    for field in &entity.fields {
        let part = |part: &Option<SmolStr>| part.as_ref() == Some(&field.name);
        let said_was = last.said.renames.iter().any(|it| it.id == name.id() && part(&it.part));
        if let Some(was) = field.meta.was.as_ref().filter(|_| !said_was && before.is_some()) {
            let moves_on = entity.fields.iter().any(|it| it.meta.was.as_ref() == Some(&field.name));
            let taken = column(&field.name).is_some();
            was_nothing(was, column(was).is_some(), taken, moves_on, field.meta.span, out);
        }
        let Some(backfill) = &field.backfill else { continue };
        let own = column_before(model, entity, field);
        if let Some(own) = own.filter(|own| is_other_type(project, model, field, own)) {
            if field.using.is_none() {
                other_type(project, model, field, own, backfill.span, out);
            }
            continue;
        }
        let said = last.said.backfills.iter().any(|(table, column, _)| table == name && *column == field.name);
        let why = match (before, own) {
            _ if said || fills(model, entity, field) => continue,
            (None, _) => format!("the entity `{}` is new and has no rows", entity.name.name),
            _ if field.nullable => format!("`{}` takes null, as it did", field.name),
            _ => format!("`{}` has a value in each row already", field.name),
        };
        let message = format!("`backfill` does nothing: {why}");
        let help =
            "it fills a field that is new, or becomes required; remove it, or change rows in a migration of your own";
        out.push(Diagnostic::new(codes::IDLE, backfill.span, message).help(help));
    }
}

fn is_other_type(project: &Project<'_>, model: &Model, field: &Field, own: &Column) -> bool {
    let now = Known::new(project, model).data_type_of(&field.ty);
    now.is_some_and(|now| (&now.schema, &now.name, now.dims) != (&own.ty.schema, &own.ty.name, own.ty.dims))
}

/// A field that changes its type is no new one: its values are cast.
fn other_type(
    project: &Project<'_>,
    model: &Model,
    field: &Field,
    own: &Column,
    span: Span,
    out: &mut Vec<Diagnostic>,
) {
    let Some(now) = Known::new(project, model).data_type_of(&field.ty) else { return };
    let builtin = own.ty.schema.is_empty() && now.schema.is_empty() && own.ty.dims == 0 && now.dims == 0;
    if builtin && casts_to(&own.ty.name, &now.name, Context::Assignment) {
        return;
    }
    let message =
        format!("`{}` is `{}` and becomes `{now}`: `backfill` makes no values of another type", field.name, own.ty);
    let text = field.backfill.as_ref().map_or("…", |value| value.text.as_str());
    let help = format!("write `using ({text})`: it says what each value becomes, over the row as it was");
    out.push(Diagnostic::new(codes::BACKFILL_OF_TYPE, span, message).help(help));
}
