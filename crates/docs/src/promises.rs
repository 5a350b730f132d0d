//! Promises: what the spec says of access whatever the rules are.

use crate::book::Book;
use crate::text;
use specc_model::{Entity, Promise, PromiseLine};
use std::fmt::Write;

/// Those of an entity, as a section of its page.
pub fn section(book: &Book<'_>, entity: &Entity, out: &mut String) {
    if entity.promises.is_empty() {
        return;
    }
    out.push_str("## Promises\n\nDecided by `specc prove` for every database and every role that rules bind.\n\n");
    for promise in &entity.promises {
        let doc = promise.doc.as_deref().map(|doc| format!(": {}", text::sentence(doc))).unwrap_or_default();
        let _ = writeln!(out, "- **{}**{doc}", text::title(&promise.text));
        for line in &promise.lines {
            let _ = writeln!(out, "  - {}", words(book, entity, line));
        }
    }
    out.push('\n');
}

/// All of them, as a section of the page about access.
pub fn list(book: &Book<'_>, out: &mut String) {
    let all = book.own.iter().map(|id| book.model.entity(*id));
    let mut all = all.flat_map(|entity| entity.promises.iter().map(move |promise| (entity, promise))).peekable();
    if all.peek().is_none() {
        return;
    }
    out.push_str("## Promises\n\nWhat holds whatever the rules are, decided by `specc prove` for every database and every role that rules bind.\n\n");
    text::head(out, &["Entity", "Promise"]);
    for (entity, Promise { text: sentence, .. }) in all {
        text::row(out, [book.link(entity.id, ""), text::prose(sentence).into_owned()]);
    }
    out.push('\n');
}

/// A line as a sentence: `nobody reads rows unless …`.
fn words(book: &Book<'_>, entity: &Entity, line: &PromiseLine) -> String {
    let who: Vec<String> = line.roles.iter().map(|role| text::code(role)).collect();
    let who = match (who.is_empty(), line.deny) {
        (false, _) => text::and(&who),
        (true, true) => "nobody".to_owned(),
        (true, false) => book.everyone().to_owned(),
    };
    let can = match (line.deny, line.roles.is_empty()) {
        (true, true) => "can",
        (true, false) => "can never",
        (false, _) => "can always",
    };
    let whole: Vec<&str> =
        line.actions.iter().filter(|(_, columns)| columns.is_empty()).map(|(action, _)| text::verb(*action)).collect();
    let word = if line.deny { "or" } else { "and" };
    let mut phrases = Vec::new();
    if !whole.is_empty() {
        phrases.push(format!("{} rows", text::join(&whole, word)));
    }
    for (action, columns) in line.actions.iter().filter(|(_, columns)| !columns.is_empty()) {
        phrases.push(format!("{} {}", text::verb(*action), book.columns(entity, columns)));
    }
    let mut out = format!("{who} {can} {}", text::join(&phrases, word));
    if let Some(when) = &line.when {
        let word = if line.unless { "unless" } else { "where" };
        let _ = write!(out, " {word} {}", text::code(&when.text));
    }
    if let Some(becoming) = &line.becoming {
        let _ = write!(out, ", so that {}", text::code(&becoming.text));
    }
    out
}
