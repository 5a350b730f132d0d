//! `workflows.md`: the states that rows go through.

use crate::book::Book;
use crate::{claims, text};
use smol_str::SmolStr;
use specc_model::{Entity, Workflow};
use std::fmt::Write;

/// Words that mean something to a state diagram.
const WORDS: &[&str] = &[
    "as",
    "choice",
    "class",
    "classdef",
    "default",
    "direction",
    "end",
    "fork",
    "hide",
    "href",
    "join",
    "note",
    "root",
    "scale",
    "state",
    "statediagram",
    "style",
    "click",
    "title",
    "acctitle",
    "accdescr",
    "left",
    "right",
    "of",
    "over",
];

/// The page.
pub fn page(book: &Book<'_>) -> String {
    let mut out = String::from("# Workflows\n\n");
    let with: Vec<&Entity> =
        book.own.iter().map(|id| book.model.entity(*id)).filter(|e| !e.workflows.is_empty()).collect();
    if with.is_empty() {
        out.push_str("No entity has a workflow.\n");
        return out;
    }
    let count: usize = with.iter().map(|entity| entity.workflows.len()).sum();
    let _ = writeln!(
        out,
        "{} in {}. A trigger refuses every step that is not drawn here, with `23514`, to everybody.\n",
        text::count(count, "workflow", "workflows"),
        text::count(with.len(), "entity", "entities"),
    );
    for entity in with {
        for workflow in &entity.workflows {
            let field = &entity.fields[workflow.field].name;
            let _ = writeln!(out, "## {}, column {}\n", book.link(entity.id, ""), text::code(field));
            section(book, &mut out, entity, workflow);
        }
    }
    out
}

/// The diagram and the conditions of a workflow.
pub fn section(book: &Book<'_>, out: &mut String, entity: &Entity, workflow: &Workflow) {
    let _ = writeln!(out, "```mermaid\n{}```\n", diagram(workflow));
    if workflow.initial.is_empty() {
        out.push_str("A new row may start in any state.\n\n");
    }
    for sentence in claims::workflow_words(book, entity, workflow) {
        let _ = writeln!(out, "{sentence}.\n");
    }
    if workflow.steps.iter().any(|step| step.when.is_some() || step.doc.is_some()) {
        text::head(out, &["From", "To", "Only when", "Notes"]);
        for step in &workflow.steps {
            let when = step.when.as_ref().map(|when| text::code(&when.text)).unwrap_or_default();
            let doc = step.doc.as_deref().map(text::sentence).unwrap_or_default();
            if !when.is_empty() || !doc.is_empty() {
                text::row(out, [text::code(&step.from), text::code(&step.to), when, doc]);
            }
        }
        out.push('\n');
    }
}

/// States that no step leaves.
pub fn ends(workflow: &Workflow) -> impl Iterator<Item = &SmolStr> {
    let left = |state: &&SmolStr| !workflow.steps.iter().any(|step| step.from == **state);
    workflow.states.iter().filter(left)
}

/// A state diagram.
pub fn diagram(workflow: &Workflow) -> String {
    let mut out = String::from("stateDiagram-v2\n");
    let mut ids: Vec<(&str, String)> = Vec::with_capacity(workflow.states.len());
    for (number, state) in workflow.states.iter().enumerate() {
        let word = text::word(state);
        let plain = word == state.as_str() && !WORDS.contains(&word.to_lowercase().as_str());
        if plain {
            let _ = writeln!(out, "  {state}");
            ids.push((state, state.to_string()));
        } else {
            let id = format!("state_{}_{word}", number + 1);
            let _ = writeln!(out, "  state \"{}\" as {id}", crate::mermaid::quotable(state));
            ids.push((state, id));
        }
    }
    let id =
        |state: &str| ids.iter().find(|(s, _)| *s == state).map_or_else(|| text::word(state), |(_, id)| id.clone());
    for state in &workflow.initial {
        let _ = writeln!(out, "  [*] --> {}", id(state));
    }
    for step in &workflow.steps {
        let _ = write!(out, "  {} --> {}", id(&step.from), id(&step.to));
        if let Some(when) = &step.when {
            let _ = write!(out, " : {}", label(&text::cut(&text::line(&when.text), 48)));
        }
        out.push('\n');
    }
    for state in ends(workflow) {
        let _ = writeln!(out, "  {} --> [*]", id(state));
    }
    out
}

/// A transition's text: what Mermaid would read as its own becomes a character code.
fn label(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ':' | ';' | '#' | '<' | '>' | '"' | '%' | '\\' | '{' | '}' | '`' | '&' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out
}
