//! The map of data flows: which file reads and writes what, as whom.

use crate::{Flow, Kind, Report};
use serde_json::{Value, json};
use specc_catalog::MARK;
use specc_diag::{Sources, position};
use std::collections::BTreeMap;
use std::fmt::Write;

/// As Markdown: by what is asked for, then by file; and what is not looked into.
pub fn markdown(report: &Report, sources: &Sources, project: &str) -> String {
    let mut out = format!("<!-- {MARK} -->\n\n# Data flows of {}\n\n", plain(project));
    out.push_str(
        "What front-end code asks of the database: where, as whom, and which columns it reads and writes. A client without \
         a key that says more asks as `anon` until somebody signs in, then as `authenticated`.\n\n",
    );
    let groups = [
        ("Tables and views", Kind::Rows),
        ("Functions", Kind::Function),
        ("Files", Kind::Files),
        ("Changes that are listened to", Kind::Changes),
    ];
    for (title, kind) in groups {
        let mut by_name: BTreeMap<&str, Vec<&Flow>> = BTreeMap::new();
        for flow in report.flows.iter().filter(|flow| flow.kind == kind) {
            by_name.entry(&flow.what).or_default().push(flow);
        }
        if by_name.is_empty() {
            continue;
        }
        let _ = writeln!(out, "## {title}\n\n| what | does | columns | as | where |\n|---|---|---|---|---|");
        for (name, flows) in by_name {
            for flow in flows {
                let _ = writeln!(
                    out,
                    "| {} | {} | {} | {} | {} |",
                    code(name),
                    flow.does,
                    columns(flow),
                    flow.roles.iter().map(|role| code(role)).collect::<Vec<_>>().join(", "),
                    place(sources, flow.span)
                );
            }
        }
        out.push('\n');
    }
    let mut by_file: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    for flow in &report.flows {
        let file = sources.file(flow.span.file).name.as_str();
        let does = by_file.entry(file).or_default().entry(&flow.what).or_default();
        if !does.contains(&flow.does.as_str()) {
            does.push(&flow.does);
        }
    }
    if !by_file.is_empty() {
        out.push_str("## By file\n\n| file | asks for |\n|---|---|\n");
        for (file, names) in by_file {
            let names = names.into_iter().map(|(name, does)| format!("{} ({})", code(name), does.join(", ")));
            let _ = writeln!(out, "| {} | {} |", code(file), names.collect::<Vec<_>>().join(", "));
        }
        out.push('\n');
    }
    out.push_str("## Not looked into\n\n");
    if report.open.is_empty() {
        out.push_str("Nothing: the code says all that it asks for.\n");
    } else {
        out.push_str("What the code does not say until it runs.\n\n| where | what |\n|---|---|\n");
        for (span, what) in &report.open {
            let _ = writeln!(out, "| {} | {} |", place(sources, *span), plain(what));
        }
    }
    out
}

fn columns(flow: &Flow) -> String {
    let list = |names: &[smol_str::SmolStr]| names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ");
    match (flow.reads.is_empty(), flow.writes.is_empty()) {
        (true, true) => "–".to_owned(),
        (false, true) => list(&flow.reads),
        (true, false) => format!("writes {}", list(&flow.writes)),
        (false, false) => format!("reads {}; writes {}", list(&flow.reads), list(&flow.writes)),
    }
}

fn place(sources: &Sources, span: specc_diag::Span) -> String {
    code(&format!("{}:{}", sources.file(span.file).name, position(sources, span).0))
}

/// A name of the code in a cell of a table.
fn code(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() || c == '`' { ' ' } else { c }).collect();
    format!("`{}`", text.replace('|', "\\|"))
}

/// A text of the code in a sentence: nothing in it is Markdown or HTML. What stands in backticks is kept.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '|' | '<' | '>' | '*' | '_' | '[' | ']' | '\\' | '#' => out.extend(['\\', c]),
            '&' => out.push_str("&amp;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// As JSON: what is asked for, and what is not looked into.
pub fn json(report: &Report, sources: &Sources) -> Value {
    let at = |span: specc_diag::Span| {
        let (line, column) = position(sources, span);
        json!({ "file": sources.file(span.file).name, "line": line, "column": column })
    };
    let flow = |flow: &Flow| {
        let kind = match flow.kind {
            Kind::Rows => "rows",
            Kind::Function => "function",
            Kind::Files => "files",
            Kind::Changes => "changes",
        };
        json!({
            "at": at(flow.span), "kind": kind, "roles": flow.roles, "does": flow.does, "what": flow.what,
            "reads": flow.reads, "writes": flow.writes,
        })
    };
    let open = |(span, what): &(specc_diag::Span, String)| json!({ "at": at(*span), "what": what });
    json!({
        "about": MARK,
        "flows": report.flows.iter().map(flow).collect::<Vec<_>>(),
        "open": report.open.iter().map(open).collect::<Vec<_>>(),
    })
}
