//! The index that the script searches: a file of data, since a page that is opened from a disk can fetch nothing.

use crate::html::encode;
use crate::outline::Outline;
use crate::{DIAGRAM, Site};
use rustc_hash::FxHashMap;
use serde_json::{Value, json};
use specc_catalog::MARK;

/// Something that can be found.
pub struct Entry {
    /// The place of its page.
    pub page: usize,
    /// Empty for the page itself.
    pub anchor: String,
    pub title: String,
    /// The heading that it stands under; empty for one.
    pub section: String,
    pub text: String,
}

/// Characters of a text that are kept; of large sites, where each counts many times.
const LONGEST: usize = 320;
const SHORTEST: usize = 90;
/// More pages than this are a large site.
const MANY: usize = 800;

/// The file.
pub fn index(site: &Site<'_>, entries: &[Vec<Entry>]) -> String {
    let most = if site.pages.len() > MANY { SHORTEST } else { LONGEST };
    let page =
        |((path, _), outline): (&(&str, &str), &Outline)| json!([outline.title(), encode(&site.paths.address(path))]);
    let mut pages: Vec<Value> = site.pages.iter().zip(&site.outlines).map(page).collect();
    pages.push(json!(["Diagram", DIAGRAM]));
    let diagram = Entry {
        page: site.pages.len(),
        anchor: String::new(),
        title: "Diagram".to_owned(),
        section: String::new(),
        text: "All entities (tables) and their relations, as a drawing".to_owned(),
    };
    let mut out = format!("// {MARK}\nwindow.speccSearch = {{\"pages\": ");
    push(&pages.into(), &mut out);
    let (mut sections, mut places): (Vec<&str>, FxHashMap<&str, usize>) = (Vec::new(), FxHashMap::default());
    let mut list = String::new();
    for entry in entries.iter().flatten().chain([&diagram]) {
        let section = *places.entry(&entry.section).or_insert_with(|| {
            sections.push(&entry.section);
            sections.len() - 1
        });
        list.push_str(if list.is_empty() { "\n" } else { ",\n" });
        let text = cut(&entry.text, most);
        push(&json!([entry.page, encode(&entry.anchor), cut(&entry.title, LONGEST), section, text]), &mut list);
    }
    out.push_str(",\n\"sections\": ");
    push(&sections.into(), &mut out);
    out.push_str(",\n\"entries\": [");
    out.push_str(&list);
    out.push_str("\n]};\n");
    out
}

/// On one line, without its end where that is far off.
fn cut(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => line[..end].to_owned() + "…",
        None => line,
    }
}

/// A value as the script reads it; no letter of it ends a script or a line of one.
fn push(value: &Value, out: &mut String) {
    for c in value.to_string().chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
}
