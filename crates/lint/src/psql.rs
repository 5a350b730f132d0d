//! What only psql understands, as `pg_dump` writes it: commands that begin with a backslash, and rows after `copy … from
//! stdin`. Both are blanked, so that what stands around them can be read where it is.

use specc_split::split;

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
    if here.get(..4)?.eq_ignore_ascii_case("copy") {
        let rows = here.find("\n\\.").map_or(here.len(), |at| at + 3);
        return Some(before..before + rows);
    }
    None
}
