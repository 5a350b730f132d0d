//! The report as Markdown.

use super::page::{Bit, Block, Line, page};
use crate::Report;
use std::fmt::Write;

/// The report as one page of Markdown.
pub fn markdown(report: &Report) -> String {
    printed(page(report))
}

/// A document as Markdown.
pub(super) fn printed(page: Vec<Block>) -> String {
    let mut out = String::new();
    for block in page {
        match block {
            Block::Heading(level, text) => {
                let _ = writeln!(out, "{} {}\n", "#".repeat(usize::from(level)), escaped(&text));
            }
            Block::Text(line) => {
                let _ = writeln!(out, "{}\n", written(&line));
            }
            Block::Items(items) => {
                for item in items {
                    let _ = writeln!(out, "- {}", written(&item));
                }
                out.push('\n');
            }
            Block::Table(heads, rows) => {
                let _ = writeln!(out, "| {} |", heads.join(" | "));
                let _ = writeln!(out, "|{}", "---|".repeat(heads.len()));
                for row in rows {
                    let cells: Vec<String> = row.iter().map(|cell| written(cell).replace('|', "\\|")).collect();
                    let _ = writeln!(out, "| {} |", cells.join(" | "));
                }
                out.push('\n');
            }
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn written(line: &Line) -> String {
    line.iter()
        .map(|bit| match bit {
            Bit::Plain(text) => escaped(text),
            Bit::Code(text) => format!("`{}`", text.replace('`', "'")),
        })
        .collect()
}

/// What Markdown would read as its own, as it stands.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Nobody is called by a name that stands in a database.
        if c == '@' {
            out.push_str("&#64;");
            continue;
        }
        if matches!(c, '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '&' | '~' | '!' | '`') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
