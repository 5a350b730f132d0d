//! How many findings are shown.

use crate::FileId;
use std::collections::BTreeMap;

/// Findings about one file that are shown: a hostile file has millions, which nobody reads.
pub const MOST_SHOWN: usize = 50;

/// Says how many findings about a file are left out.
pub fn more(count: usize, file: &str) -> String {
    format!("{count} finding{} more in {file}", if count == 1 { "" } else { "s" })
}

/// Those of the findings that are shown, in their order, errors first where there is not room for all; and how many of each
/// file are left out.
pub fn most_shown<T>(
    findings: &[T],
    file: impl Fn(&T) -> FileId,
    is_error: impl Fn(&T) -> bool,
) -> (Vec<&T>, BTreeMap<FileId, usize>) {
    let (mut kept, mut left_out) = (vec![false; findings.len()], BTreeMap::new());
    let mut counts: BTreeMap<FileId, usize> = BTreeMap::new();
    for errors in [true, false] {
        for (finding, kept) in findings.iter().zip(&mut kept).filter(|(finding, _)| is_error(finding) == errors) {
            let count = counts.entry(file(finding)).or_default();
            *count += 1;
            *kept = *count <= MOST_SHOWN;
            if !*kept {
                *left_out.entry(file(finding)).or_default() += 1;
            }
        }
    }
    (findings.iter().zip(kept).filter_map(|(finding, kept)| kept.then_some(finding)).collect(), left_out)
}
