//! The pages of the docs, as what they say of a spec whatever its names are.

use specc_catalog::Catalog;
use specc_model::Model;

/// The pages, one after the other. What a name was before is no part of them here: only one of two specs says it.
pub fn pages(mut model: Model, catalog: &Catalog) -> String {
    for entity in &mut model.entities {
        entity.meta.was = None;
        entity.fields.iter_mut().for_each(|field| field.meta.was = None);
    }
    let files = specc_docs::generate(&model, catalog, &specc_docs::Options::default()).into_iter();
    let pages = files.filter(|file| file.path.ends_with(".md"));
    pages.map(|file| format!("]({})\n{}\n", file.path, file.contents)).collect()
}

/// The lines of pages in one order. What a name becomes in a path or a diagram, which take only some letters, is left out, and so
/// is the end of a condition that a matrix may cut.
pub fn lines(pages: &str) -> Vec<String> {
    let mut drawn = false;
    let mut lines: Vec<String> = Vec::new();
    for line in pages.lines() {
        if line.starts_with("```") {
            drawn = line.len() > 3;
        }
        lines.push(if drawn { letters(line) } else { spans(&targets(line)) });
    }
    lines.sort();
    lines
}

fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// Links lead to files, whose names have only plain letters.
fn targets(line: &str) -> String {
    let mut out = String::new();
    for (at, part) in line.split("](").enumerate() {
        if at == 0 {
            out.push_str(part);
        } else if let Some((target, rest)) = part.split_once(')') {
            out += &format!("]({}){rest}", letters(target));
        }
    }
    out
}

/// The beginning of what is written as code.
const BEGINNING: usize = 40;

fn spans(line: &str) -> String {
    let cut = |(at, part): (usize, &str)| match at.is_multiple_of(2) || part.chars().count() < BEGINNING + 10 {
        true => part.to_owned(),
        false => part.chars().take(BEGINNING).collect(),
    };
    line.split('`').enumerate().map(cut).collect::<Vec<_>>().join("`")
}
