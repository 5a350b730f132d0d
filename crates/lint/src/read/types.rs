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
    let mut ty = match name.name.as_str() {
        "double" if bare && words.take("precision") => "double precision".to_string(),
        "character" | "char" if bare && words.take("varying") => "varchar".into(),
        "national" if bare => {
            words.skip();
            if words.take("varying") { "varchar".into() } else { "char".into() }
        }
        "bit" if bare && words.take("varying") => "varbit".into(),
        "int4" | "integer" if bare => "int".into(),
        "int8" if bare => "bigint".into(),
        "int2" if bare => "smallint".into(),
        "serial4" if bare => "serial".into(),
        "serial8" if bare => "bigserial".into(),
        "serial2" if bare => "smallserial".into(),
        "character" | "bpchar" if bare => "char".into(),
        "decimal" if bare => "numeric".into(),
        "bool" if bare => "boolean".into(),
        "float8" | "float" if bare => "double precision".into(),
        "float4" if bare => "real".into(),
        other => other.to_string(),
    };
    let args = words.group().map(arguments).unwrap_or_default();
    let timed = bare && matches!(ty.as_str(), "timestamp" | "time");
    if timed && words.take("with time zone") {
        ty.push_str("tz");
    } else if timed {
        let _ = words.take("without time zone");
    }
    if bare && ty == "interval" {
        while words.is_any(&["year", "month", "day", "hour", "minute", "second", "to"]) {
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
