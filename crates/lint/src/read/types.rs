//! Types, as the catalog names them.

use crate::cursor::Cursor;
use smol_str::SmolStr;
use specc_catalog::DataType;

/// Reads a type.
pub(super) fn read(words: &mut Cursor<'_>) -> Option<DataType> {
    let mut name = words.name()?;
    if name.schema.as_deref() == Some("pg_catalog") {
        name.schema = None;
    }
    let bare = name.schema.is_none();
    let mut ty = name.name.clone();
    let follows = match ty.as_str() {
        "double" => "precision",
        "character" | "char" | "bit" => "varying",
        "national" => {
            ty = "char".into();
            words.skip();
            "varying"
        }
        _ => "",
    };
    if bare && !follows.is_empty() && words.take(follows) {
        ty = format!("{ty} {follows}");
    }
    if let Some(known) = specc_facts::canonical_type(&ty).filter(|_| bare) {
        // An unlimited `char` has no name of its own here.
        ty = if known == "bpchar" { "char" } else { known }.to_owned();
    }
    let args = words.group().map(arguments).unwrap_or_default();
    let timed = bare && matches!(ty.as_str(), "timestamp" | "time");
    if timed && words.take("with time zone") {
        ty.push_str("tz");
    } else if timed {
        let _ = words.take("without time zone");
    }
    if bare && ty == "interval" {
        while words.is_any(&["to"]) || words.is_any(&specc_facts::INTERVAL_FIELDS) {
            words.skip();
        }
    }
    let mut dims = 0;
    if words.take("array") {
        dims = 1;
    }
    while words.sees_symbol(0, b'[') {
        words.skip_whole();
        dims = 1;
    }
    let schema = SmolStr::from(name.schema.unwrap_or_default());
    Some(DataType { schema, name: ty.into(), args, dims })
}

fn arguments(words: Cursor<'_>) -> Vec<i64> {
    words.items().iter().filter_map(|item| item.as_written().trim().parse().ok()).collect()
}
