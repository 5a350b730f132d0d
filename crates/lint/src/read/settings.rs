//! `set`, `reset` and `set_config`.

use crate::cursor::Cursor;
use crate::statement::What;

/// After `set` or `reset`.
pub(super) fn set(words: &mut Cursor<'_>) -> What {
    let _ = words.take("local") || words.take("session");
    let Some(name) = words.name() else { return What::Harmless };
    let _ = words.take("to") || words.take_symbol(b'=');
    What::Set { name: name.name, value: values(words) }
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
    Some(What::Set { name: name.to_lowercase(), value })
}

/// The names of a list, written bare, quoted, or as a string with commas.
pub(super) fn values(words: &Cursor<'_>) -> Vec<String> {
    let strings = words.strings();
    if strings.is_empty() {
        return words.idents();
    }
    let parts = strings.iter().flat_map(|(text, _)| text.split(','));
    parts.map(|part| part.trim().trim_matches('"').to_string()).filter(|part| !part.is_empty()).collect()
}
