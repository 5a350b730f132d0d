//! Fields that lead to other models.

use super::tree::{Block, Field, Many, Mark, Value};
use super::{Schema, named_field, table_name, wrong};
use crate::ImportError;
use crate::made::{Made, action, named};
use smol_str::SmolStr;
use specc_catalog::{Action, Column, IndexKey, Rls, TableName};

/// The references, and the tables behind lists on both sides.
pub fn references(schema: &Schema, made: &mut Made) -> Result<(), ImportError> {
    for model in schema.of_kind("model") {
        for field in &model.fields {
            let Some(other) = schema.model(&field.ty).filter(|_| !field.raw) else { continue };
            let relation = field.mark("relation");
            match relation.filter(|mark| mark.named("fields").is_some()) {
                Some(mark) => reference(schema, model, field, mark, other, made)?,
                None if field.many == Many::List => lists(schema, model, field, other, made)?,
                None => {}
            }
        }
    }
    Ok(())
}

fn columns(model: &Block, mark: &Mark, name: &str, line: usize) -> Result<Vec<SmolStr>, ImportError> {
    let list = mark.named(name).map(Value::list).unwrap_or_default();
    list.iter().map(|value| Ok(named_field(model, value, line)?.column().into())).collect()
}

fn reference(
    schema: &Schema,
    model: &Block,
    field: &Field,
    mark: &Mark,
    other: &Block,
    made: &mut Made,
) -> Result<(), ImportError> {
    if schema.without_references {
        return Ok(());
    }
    let table = table_name(model);
    let from = columns(model, mark, "fields", field.line)?;
    let to = columns(other, mark, "references", field.line)?;
    let is_required = mark
        .named("fields")
        .map(Value::list)
        .unwrap_or_default()
        .iter()
        .all(|value| named_field(model, value, field.line).is_ok_and(|field| field.many == Many::One));
    let said = |name: &str, usual: Action| match mark.named(name) {
        Some(Value::Word(word)) => {
            action(word).ok_or_else(|| wrong(field.line, format!("`{word}` is no action of a reference")))
        }
        _ => Ok(usual),
    };
    let on_delete = said("onDelete", if is_required { Action::Restrict } else { Action::SetNull })?;
    let on_update = said("onUpdate", Action::Cascade)?;
    let usual = || named(&format!("{}_{}", table.name, from.join("_")), "_fkey");
    let name = mark.text("map").map_or_else(usual, SmolStr::from);
    made.reference(name, (&table, from), (&table_name(other), to), [on_delete, on_update]);
    Ok(())
}

/// The name that a relation has on both of its sides.
fn relation_name(field: &Field) -> Option<&str> {
    field.mark("relation").and_then(|mark| mark.first("name")).and_then(Value::text)
}

/// A list on both sides: a table of pairs that the schema does not name.
fn lists(schema: &Schema, model: &Block, field: &Field, other: &Block, made: &mut Made) -> Result<(), ImportError> {
    let is_back = |back: &&Field| {
        back.ty == model.name
            && back.many == Many::List
            && relation_name(back) == relation_name(field)
            && back.name != field.name
    };
    let back = other.fields.iter().filter(|back| !back.raw).find(is_back);
    let Some(back) = back else { return Ok(()) };
    // One of the two sides speaks for both.
    let speaks = (&model.name, &field.name) < (&other.name, &back.name);
    if !speaks {
        return Ok(());
    }
    let pair = relation_name(field).map_or_else(|| format!("{}To{}", model.name, other.name), str::to_owned);
    let table = TableName::new(model.schema(), format!("_{pair}"));
    let mut pairs = Vec::new();
    for (name, model) in [("A", model), ("B", other)] {
        let mut ids = model.fields.iter().filter(|field| field.mark("id").is_some());
        let id = ids.next().ok_or_else(|| wrong(field.line, format!("`{}` needs one field with `@id`", model.name)))?;
        let mut column = super::columns::column(schema, &table_name(model), model, id, &mut Made::default())?;
        column = Column::new(name, column.ty);
        pairs.push((column, table_name(model), SmolStr::from(id.column())));
    }
    made.table(&table, pairs.iter().map(|(column, ..)| column.clone()).collect(), Rls::Off, None);
    made.primary_key(&table, named(&table.name, "_AB_pkey"), vec!["A".into(), "B".into()]);
    made.index(&table, named(&table.name, "_B_index"), false, "btree", vec![IndexKey::column("B")]);
    if schema.without_references {
        return Ok(());
    }
    for (column, to, id) in pairs {
        let name = named(&format!("{}_{}", table.name, column.name), "_fkey");
        made.reference(name, (&table, vec![column.name]), (&to, vec![id]), [Action::Cascade, Action::Cascade]);
    }
    Ok(())
}
