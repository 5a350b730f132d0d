//! Options in brackets: `(verbose, concurrently false)`, `("security_invoker" = 'on')`.

use crate::cursor::Cursor;

/// What a list says of an option that is on or off; the last word counts.
pub(super) fn says(options: &Cursor<'_>, name: &str) -> Option<bool> {
    let mut said = None;
    for mut item in options.clone().items() {
        if item.take_name(name) {
            let _ = item.take_symbol(b'=');
            said = Some(is_on(&mut item));
        }
    }
    said
}

fn is_on(value: &mut Cursor<'_>) -> bool {
    if value.is_done() {
        return true;
    }
    let word = value.string().or_else(|| value.ident()).unwrap_or_default().to_lowercase();
    !["false", "f", "off", "no", "n", "0"].contains(&word.as_str())
}
