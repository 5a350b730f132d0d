//! Where the statements of a plan stand in the file that is written of it.

use smol_str::SmolStr;
use specc_sql::{Statement, print};
use std::ops::Range;

/// Where a statement of a plan stands in its file, and what is written there. It may be several statements of SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Printed {
    /// Its first line that is no comment, from 1.
    pub line: usize,
    /// So many lines.
    pub lines: usize,
    /// Of its text.
    pub sum: SmolStr,
}

/// Where the statements of a file stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// What says how long it waits for locks.
    pub set: Option<Printed>,
    /// For each statement of the stage; those of comments alone stand nowhere.
    pub statements: Vec<Option<Printed>>,
    /// What says it no more.
    pub reset: Option<Printed>,
}

/// The checksum of a statement's text, from its first word to before its last semicolon, however lines end. It is to show that
/// somebody changed the text, and a plan has one for each statement: 64 bits of the SHA-256, in hexadecimal digits.
pub fn statement_checksum(text: &str) -> SmolStr {
    SmolStr::new(&specc_catalog::checksum(text)[..16])
}

impl Printed {
    /// `None`: there is no statement in it.
    pub(super) fn new(text: &str, line: usize) -> Option<Self> {
        (!text.is_empty()).then(|| Self { line, lines: 1 + newlines(text), sum: statement_checksum(text) })
    }
}

/// Appends the statement. Where it stands without comments and without its last semicolon.
pub(super) fn append(out: &mut String, statement: &Statement<'_>) -> Range<usize> {
    let start = out.len();
    print(statement, out);
    let text = &out[start..];
    let within = match statement {
        // Its author's comments are of any form.
        Statement::RunSql(_) | Statement::RunDown(_) => match specc_split::split(text).as_deref() {
            Ok([first, .., last]) => first.start..last.start + last.text.len(),
            Ok([only]) => only.start..only.start + only.text.len(),
            Ok([]) => 0..0,
            Err(_) => 0..text.trim_end().len(),
        },
        _ => {
            let mut from = 0;
            while text[from..].starts_with("--") {
                from += text[from..].find('\n').map_or(text.len() - from, |at| at + 1);
            }
            let rest = text[from..].trim_end();
            from..from + rest.strip_suffix(';').unwrap_or(rest).trim_end().len()
        }
    };
    start + within.start..start + within.end
}

/// How often a line ends.
pub(super) fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}
