//! `set`, `reset` and `set_config`.

use crate::cursor::Cursor;
use crate::statement::{Setting, What};

/// After `set`.
pub(super) fn set(words: &mut Cursor<'_>) -> What {
    let local = words.take("local");
    let _ = !local && words.take("session");
    let name = if words.take("time zone") { Some("timezone".to_owned()) } else { name(words) };
    let Some(name) = name else { return What::Harmless };
    let _ = words.take("to") || words.take_symbol(b'=');
    let value = if words.is_any(&["default"]) { Vec::new() } else { values(words) };
    What::Set(Setting { name, value, local })
}

/// After `reset`.
pub(super) fn reset(words: &mut Cursor<'_>) -> What {
    if words.take("all") {
        return What::ResetAll;
    }
    let name = if words.take("time zone") { Some("timezone".to_owned()) } else { name(words) };
    name.map_or(What::Harmless, |name| What::Set(Setting { name, value: Vec::new(), local: false }))
}

/// The name of a setting, in lower case, with the part before its point.
fn name(words: &mut Cursor<'_>) -> Option<String> {
    let name = words.name()?;
    let full = name.schema.map_or(name.name.clone(), |schema| format!("{schema}.{}", name.name));
    Some(full.to_lowercase())
}

/// After `select`.
pub(super) fn set_config(words: &mut Cursor<'_>) -> Option<What> {
    let function = words.name()?;
    let arguments = words.group()?.items();
    if function.name != "set_config" || !words.is_done() {
        return None;
    }
    let (name, _) = arguments.first()?.strings().into_iter().next()?;
    let value = arguments.get(1).map(values).unwrap_or_default();
    let local = arguments.get(2).is_some_and(|local| local.has(&["true"]));
    Some(What::Set(Setting { name: name.to_lowercase(), value, local }))
}

/// The names of a list, written bare, quoted, or as a string with commas.
pub(super) fn values(words: &Cursor<'_>) -> Vec<String> {
    let strings = words.strings();
    if strings.is_empty() {
        return words.idents().into_iter().filter(|name| !name.is_empty()).collect();
    }
    let parts = strings.iter().flat_map(|(text, _)| text.split(','));
    parts.map(|part| part.trim().trim_matches('"').to_string()).filter(|part| !part.is_empty()).collect()
}
