//! Where the statements of a plan stand in the file that is written of it.

use smol_str::SmolStr;
use specc_sql::{Statement, print};
use std::ops::Range;

/// A file of a plan.
#[derive(Clone, Debug)]
pub(crate) struct Printed {
    /// What is in it.
    pub text: String,
    /// For each statement of the stage its bytes, from its first word to before its last semicolon; none where it is comments
    /// alone. It may be several statements of SQL.
    pub places: Vec<Range<usize>>,
}

/// The checksum of a statement's text, from its first word to before its last semicolon, however lines end. It is to show that
/// somebody changed the text, and a plan has one for each statement that it lists: 64 bits of the SHA-256, in hexadecimal digits.
pub fn statement_checksum(text: &str) -> SmolStr {
    SmolStr::new(&specc_catalog::checksum(text)[..16])
}

/// Appends the statement. Where it stands without comments and without its last semicolon.
pub(super) fn append(out: &mut String, statement: &Statement<'_>) -> Range<usize> {
    let start = out.len();
    print(statement, out);
    let text = &out[start..];
    let within = if statement.is_block() {
        // Its author's comments are of any form.
        match specc_split::split(text).as_deref() {
            Ok([first, .., last]) => first.start..last.start + last.text.len(),
            Ok([only]) => only.start..only.start + only.text.len(),
            Ok([]) => 0..0,
            Err(_) => 0..text.trim_end().len(),
        }
    } else {
        let mut from = 0;
        while text[from..].starts_with("--") {
            from += text[from..].find('\n').map_or(text.len() - from, |at| at + 1);
        }
        let rest = text[from..].trim_end();
        from..from + rest.strip_suffix(';').unwrap_or(rest).trim_end().len()
    };
    start + within.start..start + within.end
}

/// How often a line ends.
pub(crate) fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}
