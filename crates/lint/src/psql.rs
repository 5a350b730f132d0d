//! What only psql understands, as `pg_dump` writes it: commands that begin with a backslash, and `copy … from stdin`
//! with its rows, and `to stdout` of another. They are blanked, so that what stands around them can be read where it is.

use specc_split::{Lexer, Token, TokenKind, split};

/// A file may have this many of them.
const MOST: usize = 1_000;

/// The text without what only psql understands, byte for byte as long, and the lines of the commands that do more than guard
/// a dump; `None` where there is nothing of the kind.
pub(crate) fn without(text: &str) -> Option<(String, Vec<usize>)> {
    let mut kept: Option<Vec<u8>> = None;
    let mut lines = Vec::new();
    for _ in 0..MOST {
        let now = match &kept {
            Some(bytes) => std::str::from_utf8(bytes).ok()?,
            None => text,
        };
        let Err(error) = split(now) else { break };
        let Some(area) = area(now, error.line) else { break };
        let written = now.get(area.clone()).unwrap_or_default().trim_start();
        if !["\\restrict", "\\unrestrict"].iter().any(|guard| written.starts_with(guard)) {
            lines.push(error.line);
        }
        let bytes = kept.get_or_insert_with(|| text.as_bytes().to_vec());
        for byte in bytes.get_mut(area).into_iter().flatten().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
    }
    let text = String::from_utf8(kept?).ok()?;
    Some((text, lines))
}

/// The bytes of the command, or of the statement and its rows, on this line.
fn area(text: &str, line: usize) -> Option<std::ops::Range<usize>> {
    let before: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let here = text.get(before..)?;
    let end = here.find('\n').unwrap_or(here.len());
    if here.trim_start_matches([' ', '\t']).starts_with('\\') {
        return Some(before..before + end);
    }
    copied(here).map(|area| before + area.start..before + area.end)
}

/// What cannot run of the first `copy`: with `from stdin` all of it and the rows behind, of another only `to stdout`.
fn copied(text: &str) -> Option<std::ops::Range<usize>> {
    let mut tokens = Lexer::new(text).map_while(Result::ok);
    let mut start = None;
    let mut last: Option<Token> = None;
    while let Some(token) = tokens.next() {
        let first = last.is_none_or(|last| last.kind == TokenKind::Symbol(b';'));
        if first {
            start = token.is(text, "copy").then_some(token.start);
        }
        if let (Some(start), Some(last)) = (start, last) {
            if last.is(text, "to") && token.is(text, "stdout") {
                return Some(last.start..token.end);
            }
            if last.is(text, "from") && token.is(text, "stdin") {
                let end = tokens.find(|token| token.kind == TokenKind::Symbol(b';')).map_or(text.len(), |end| end.end);
                let rows = text.get(end..)?.find("\n\\.").map_or(text.len(), |at| end + at + 3);
                return Some(start..rows);
            }
        }
        last = Some(token);
    }
    None
}
