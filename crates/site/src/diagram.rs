//! Drawings as parts of pages. What can be done with them, the script adds.

use crate::html::{encode, escaped};
use crate::paths::root;
use crate::{DIAGRAM, Site};
use std::fmt::Write;

/// A drawing of states.
pub fn states(svg: &str, out: &mut String) {
    let _ = write!(
        out,
        "<figure class=\"figure states\"><div class=\"view\" tabindex=\"0\" role=\"group\" aria-label=\"Diagram of states\">\n{svg}</div>\n\
         <figcaption>Filled: where a row may start. Double border: final. Dashed: only under a condition.</figcaption></figure>\n"
    );
}

/// The drawings of the page at a path: its own, if it is that of an area, else a link to the one of everything.
pub fn of_page(site: &Site<'_>, path: &str) -> String {
    let parts = site.figures.area(path, &|to| site.paths.link(path, to));
    match parts.is_empty() {
        true => format!("<p><a href=\"{}{DIAGRAM}\">The diagram of all entities</a></p>\n", root(path)),
        false => parts.iter().map(|svg| entities(site, svg)).collect(),
    }
}

/// The page of the diagram of everything; where that is too much for one, of those of the areas.
pub fn whole(site: &Site<'_>) -> String {
    let mut out = String::from("<h1>Diagram</h1>\n");
    match site.figures.whole(&|to| site.paths.link("", to)) {
        Some(svg) => out.push_str(&entities(site, &svg)),
        None => out.push_str("<p>Each area has its diagram.</p>\n"),
    }
    out.push_str("<ul>\n");
    for section in site.figures.sections() {
        let address = encode(&site.paths.address(&section.page));
        let _ = writeln!(out, "<li><a href=\"{address}\">{}</a></li>", escaped(&section.name));
    }
    out.push_str("</ul>\n");
    out
}

fn entities(site: &Site<'_>, svg: &str) -> String {
    let roles: Vec<&str> = site.figures.roles().collect();
    let roles = escaped(&serde_json::json!(roles).to_string());
    format!(
        "<figure class=\"figure entities\" data-roles=\"{roles}\"><div class=\"view\" tabindex=\"0\" role=\"group\" \
         aria-label=\"Diagram of entities\">\n{svg}</div></figure>\n"
    )
}
