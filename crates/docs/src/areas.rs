//! `erd/<area>.md`: the diagram of an area.

use crate::book::{Area, Book};
use crate::mermaid::{self, Detail};
use crate::text;
use std::fmt::Write;

/// A diagram with more entities than this is hard to read, and Mermaid refuses very long ones.
const MOST: usize = 40;

/// The page of an area.
pub fn page(book: &Book<'_>, area: &Area) -> String {
    let mut out = format!("# Area {}\n\n", text::plain(&area.name));
    let columns: usize = area.entities.iter().map(|id| book.model.entity(*id).fields.len()).sum();
    let _ = writeln!(
        out,
        "{} with {}. Boxes without columns are neighbours from other areas.\n",
        text::count(area.entities.len(), "entity", "entities"),
        text::count(columns, "column", "columns"),
    );
    let parts = area.entities.chunks(MOST);
    let many = parts.len() > 1;
    for (number, part) in parts.enumerate() {
        if many {
            let name = |id: Option<&specc_model::EntityId>| id.map_or("", |id| book.label(*id)).to_owned();
            let _ = writeln!(out, "## Part {}: `{}` to `{}`\n", number + 1, name(part.first()), name(part.last()));
        }
        let _ = writeln!(out, "```mermaid\n{}```\n", mermaid::diagram(book, part, Detail::All));
    }
    out.push_str("## Entities\n\n");
    text::head(&mut out, &["Entity", "What it is", "Refers to", "Referred to by"]);
    for &id in &area.entities {
        let entity = book.model.entity(id);
        let doc = entity.meta.doc.as_deref().map(text::sentence).unwrap_or_default();
        let links = |ids: Vec<specc_model::EntityId>| {
            let mut seen = Vec::new();
            ids.into_iter().for_each(|id| {
                if !seen.contains(&id) {
                    seen.push(id)
                }
            });
            let more = seen.len().saturating_sub(12);
            let mut links: Vec<String> = seen.iter().take(12).map(|id| book.link(*id, "../")).collect();
            if more > 0 {
                links.push(format!("and {more} more"));
            }
            links.join(", ")
        };
        let to = links(entity.outgoing.iter().map(|id| book.model.relation(*id).to).collect());
        let from = links(entity.incoming.iter().take(200).map(|id| book.model.relation(*id).from).collect());
        text::row(&mut out, [book.link(id, "../"), doc, to, from]);
    }
    out
}
