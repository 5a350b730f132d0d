//! Whether the text of a literal can be read as the type that its place wants. Only what Postgres refuses for certain is
//! refused here.

use super::kinds::{Key, describe, key};
use crate::types::*;
use specc_diag::nearest;

/// What is wrong with a literal.
pub(crate) enum Wrong {
    /// Not a label of the enum: message and help.
    Label(String, String),
    /// Not readable as the type.
    Text(String, String),
}

/// Checks `value` as a `ty`.
pub(crate) fn check(model: &Model, value: &str, ty: &Type) -> Result<(), Wrong> {
    match key(model, ty) {
        Key::Enum(id, false) => label(model, value, id),
        Key::Enum(id, true) => {
            let items = specc_facts::array_items(value, "").map_err(|help| wrong(value, ty, model, help))?;
            items.iter().try_for_each(|item| label(model, item, id))
        }
        Key::Table(spelled) => {
            specc_facts::read_literal(value, spelled.name, spelled.array).map_err(|help| wrong(value, ty, model, help))
        }
        _ => Ok(()),
    }
}

fn label(model: &Model, value: &str, id: EnumId) -> Result<(), Wrong> {
    let of = &model.enums[id.0 as usize];
    if of.labels.is_empty() || of.labels.iter().any(|l| l.name == value) {
        return Ok(());
    }
    let labels = || of.labels.iter().map(|l| l.name.as_str());
    let help = match nearest(value, labels()) {
        Some(near) => format!("did you mean `'{near}'`?"),
        None => {
            let list: Vec<String> = labels().take(12).map(|l| format!("`'{l}'`")).collect();
            let more = if of.labels.len() > 12 { ", …" } else { "" };
            format!("its labels are {}{more}", list.join(", "))
        }
    };
    Err(Wrong::Label(format!("`'{value}'` is not a label of `{}`", of.name.name), help))
}

fn wrong(value: &str, ty: &Type, model: &Model, help: String) -> Wrong {
    let shown: String = value.chars().take(40).collect();
    Wrong::Text(format!("`'{shown}'` cannot be read as `{}`", describe(model, ty)), help)
}
