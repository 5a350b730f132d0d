//! Whether a default gives another value for each row.

use crate::cursor::{Cursor, DEEP};

/// Functions of Postgres that give the same within a statement, beside those that specc itself writes into defaults.
const STEADY: [&str; 24] = [
    "timezone",
    "date_trunc",
    "date",
    "lower",
    "upper",
    "coalesce",
    "nullif",
    "make_interval",
    "make_date",
    "to_timestamp",
    "to_char",
    "to_date",
    "to_jsonb",
    "to_json",
    "jsonb_build_array",
    "json_build_object",
    "json_build_array",
    "md5",
    "encode",
    "decode",
    "round",
    "abs",
    "extract",
    "to_tsvector",
];

/// Whether each row may get a value of its own. What is not known to be steady counts as volatile.
pub(crate) fn is_volatile(text: &str) -> bool {
    specc_sql::is_volatile(text) && calls(Cursor::new(text, 0, text.len()), DEEP)
}

fn calls(mut words: Cursor<'_>, depth: usize) -> bool {
    while !words.is_done() {
        if let Some(inner) = words.group() {
            if depth == 0 || calls(inner, depth - 1) {
                return true;
            }
            continue;
        }
        let from = words.mark();
        let Some(name) = words.name() else {
            words.back(from);
            words.skip();
            continue;
        };
        let own = name.schema.as_deref().is_none_or(|schema| schema == "pg_catalog");
        let steady = own && STEADY.contains(&name.name.as_str());
        if words.sees_symbol(0, b'(') && !steady && specc_sql::is_volatile(&format!("{}()", name.name)) {
            return true;
        }
    }
    false
}
