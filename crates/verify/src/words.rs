//! Findings in words.

use crate::scratch::ScratchError;
use specc_catalog::{Catalog, Hints, Kind};
use specc_postgres::postgres;

/// A list of what differs, each on its line; empty for nothing.
pub(crate) fn differences(got: &Catalog, wanted: &Catalog, ignored: &[Kind]) -> String {
    let hints = Hints::default();
    let difference = specc_diff::diff(got, wanted, &hints);
    let lines = specc_diff::lines(&difference);
    words(lines.iter().filter(|line| !ignored.contains(&line.id.kind)).map(ToString::to_string))
}

/// Each on its line, but no more than can be read.
pub(crate) fn words(lines: impl Iterator<Item = String>) -> String {
    const MOST: usize = 20;
    let all: Vec<String> = lines.collect();
    let mut out: String = all.iter().take(MOST).map(|line| format!("\n{line}")).collect();
    if all.len() > MOST {
        out.push_str(&format!("\nand {} more", all.len() - MOST));
    }
    out
}

/// The lines that say something.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

pub(crate) fn said(error: &postgres::Error) -> ScratchError {
    ScratchError::Postgres(in_words(error))
}

/// What the server said, and in which function.
pub(crate) fn in_words(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => {
            let detail = db.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
            let within = db.where_().and_then(|text| lines(text).next()).map(|text| format!(", in {text}"));
            format!("{}{detail}{}", db.message(), within.unwrap_or_default())
        }
        None => error.to_string(),
    }
}
