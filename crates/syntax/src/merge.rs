//! What a merge leaves that was not finished: two versions of some lines, between the marks of git.

use specc_diag::{Diagnostic, FileId, Span, codes};

/// What to say of the first conflict, and the ranges to leave out so that one version of each is left: the marks, and all
/// but the first version.
pub(crate) fn unfinished(file: FileId, text: &str) -> Option<(Diagnostic, Vec<(usize, usize)>)> {
    let mut ranges = Vec::new();
    let mut first = None;
    let mut version = Version::None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let (start, end) = (at, at + line.len());
        at = end;
        match version {
            Version::None if is_mark(line, "<<<<<<<") => {
                first.get_or_insert(Span::new(file, start, start + 7));
                ranges.push((start, end));
                version = Version::First;
            }
            Version::First if is_mark(line, "=======") || is_mark(line, "|||||||") => version = Version::Other(start),
            Version::First if is_mark(line, ">>>>>>>") => {
                ranges.push((start, end));
                version = Version::None;
            }
            Version::Other(from) if is_mark(line, ">>>>>>>") => {
                ranges.push((from, end));
                version = Version::None;
            }
            _ => {}
        }
    }
    let finding = Diagnostic::new(codes::SYNTAX, first?, "a merge was not finished here")
        .help("keep one version of these lines, or both in order, and delete the lines of the marks");
    Some((finding, ranges))
}

/// The version of a conflict that a line is of.
enum Version {
    None,
    First,
    /// From here on.
    Other(usize),
}

fn is_mark(line: &str, mark: &str) -> bool {
    line.strip_prefix(mark).is_some_and(|rest| rest.trim_end().is_empty() || rest.starts_with(' '))
}
