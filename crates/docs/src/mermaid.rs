//! ERDs as Mermaid.

use crate::book::Book;
use crate::text;
use rustc_hash::FxHashSet;
use specc_model::{EntityId, Relation};
use std::fmt::Write;

/// More entities than this show their keys only in the diagram of everything.
const MANY: usize = 25;

/// What a diagram shows of an entity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// All columns.
    All,
    /// Keys and references.
    Keys,
}

/// The diagram of everything.
pub fn whole(book: &Book<'_>) -> String {
    let detail = if book.own.len() > MANY { Detail::Keys } else { Detail::All };
    diagram(book, &book.own, detail)
}

/// Entities with their columns, their relations, and what those lead to as bare boxes.
pub fn diagram(book: &Book<'_>, entities: &[EntityId], detail: Detail) -> String {
    let mut out = String::from("erDiagram\n");
    let shown: FxHashSet<EntityId> = entities.iter().copied().collect();
    for &id in entities {
        entity(book, id, detail, &mut out);
    }
    let mut drawn = FxHashSet::default();
    for &id in entities {
        let entity = book.model.entity(id);
        // What points here from elsewhere would make a hub's diagram unreadable: its own pages have those.
        for relation in entity.outgoing.iter().map(|id| book.model.relation(*id)) {
            if drawn.insert(relation.id) {
                relation_line(book, relation, &mut out);
            }
        }
    }
    let neighbours = entities.iter().flat_map(|id| &book.model.entity(*id).incoming);
    let mut far: Vec<&Relation> = neighbours.map(|id| book.model.relation(*id)).collect();
    far.retain(|relation| !shown.contains(&relation.from) && !book.model.entity(relation.from).external);
    if far.len() <= MANY {
        far.into_iter().for_each(|relation| relation_line(book, relation, &mut out));
    }
    out
}

fn entity(book: &Book<'_>, id: EntityId, detail: Detail, out: &mut String) {
    let entity = book.model.entity(id);
    let key: &[usize] = entity.key.as_ref().map_or(&[], |key| &key.fields);
    let _ = writeln!(out, "  {} {{", name(book, id));
    for (place, field) in entity.fields.iter().enumerate() {
        let is_key = key.contains(&place);
        let is_reference = book.reference(id, place).is_some();
        if detail == Detail::Keys && !is_key && !is_reference {
            continue;
        }
        let marks = match (is_key, is_reference) {
            (true, true) => " PK,FK",
            (true, false) => " PK",
            (false, true) => " FK",
            (false, false) if is_unique(entity, place) => " UK",
            (false, false) => "",
        };
        let ty = ty(&text::ty(book.model, &field.ty));
        let nullable = if field.nullable { " \"nullable\"" } else { "" };
        let _ = writeln!(out, "    {ty} {}{marks}{nullable}", column(&field.name));
    }
    out.push_str("  }\n");
}

/// Whether a column alone tells rows apart.
pub fn is_unique(entity: &specc_model::Entity, field: usize) -> bool {
    entity.uniques.iter().any(|unique| {
        unique.filter.is_none()
            && matches!(unique.elements.as_slice(), [one] if matches!(one.on, specc_model::On::Field(f) if f == field))
    })
}

fn relation_line(book: &Book<'_>, relation: &Relation, out: &mut String) {
    let parent = if relation.nullable { "|o" } else { "||" };
    let child = if relation.inverse_one { "o|" } else { "o{" };
    let verb = quotable(&relation.path);
    let (to, from) = (name(book, relation.to), name(book, relation.from));
    let _ = writeln!(out, "  {to} {parent}--{child} {from} : \"{verb}\"");
}

/// An entity's name between quotes, so that no word of Mermaid's own is taken for it.
fn name(book: &Book<'_>, id: EntityId) -> String {
    format!("\"{}\"", quotable(book.label(id)))
}

/// Without what cannot stand between quotes.
pub fn quotable(text: &str) -> String {
    let plain = |c: char| if matches!(c, '"' | '%' | '\\' | '\n' | '\r' | '\t' | '<' | '>') { '_' } else { c };
    let out: String = text.chars().map(plain).collect();
    if out.trim().is_empty() { "unnamed".to_owned() } else { out }
}

/// `text_array`, `numeric_12_2`
fn ty(text: &str) -> String {
    match text.split_once("[]") {
        Some((base, _)) => format!("{}_array", text::word(base)),
        None => text::word(text),
    }
}

/// A column's name; in Mermaid's own words for keys the case is changed, which its parser minds.
fn column(name: &str) -> String {
    let word = text::word(name);
    if matches!(word.as_str(), "PK" | "FK" | "UK") { word.to_lowercase() } else { word }
}
