//! The cases under `tests/syntax`: what each says, or what tree it gives.

#![allow(clippy::disallowed_methods)]

use specc_diag::{RenderOptions, Sources, render};

#[test]
fn cases() {
    insta::glob!("../../../tests/syntax", "*/input.dbspec", |path| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let mut sources = Sources::new();
        let id = sources.add("input.dbspec", text.clone());
        let (file, findings) = specc_syntax::parse(id, &text);
        let shown = if findings.is_empty() {
            tree(&file)
        } else {
            findings.iter().map(|f| render(f, &sources, RenderOptions::default())).collect()
        };
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(shown);
        });
    });
}

/// The tree without spans, a line for each part that says something.
fn tree(file: &specc_syntax::ast::SpecFile) -> String {
    let debug = format!("{file:#?}");
    let mut out = String::new();
    let mut skip: Option<usize> = None;
    for line in debug.lines() {
        let indent = line.len() - line.trim_start().len();
        if let Some(from) = skip {
            if indent <= from {
                skip = None;
            }
            continue;
        }
        let text = line.trim_start();
        if text.starts_with("at: At(") || text.starts_with("at: Span {") || text.starts_with("file: FileIdEq(") {
            skip = Some(indent);
            continue;
        }
        let empty = [": None,", ": [],", ": false,", ": \"\","].iter().any(|e| text.ends_with(e));
        if empty || text.chars().all(|c| "(){}[],".contains(c)) {
            continue;
        }
        // a name or expression in one line
        if let Some(value) = text.strip_prefix("text: ")
            && out.ends_with(" {\n")
        {
            out.truncate(out.len() - " {\n".len());
            out.push(' ');
            out.push_str(value.trim_end_matches(','));
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}
