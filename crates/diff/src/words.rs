//! Names inside SQL text.

use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::borrow::Cow;

/// Names that were given up, as they stand in text.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// Old name to new name; none where two things of this name became different things.
    pub names: FxHashMap<SmolStr, Option<SmolStr>>,
    /// What has another name, or went to another schema: old schema and name to new ones.
    pub moved: FxHashMap<(SmolStr, SmolStr), (SmolStr, SmolStr)>,
}

/// `text` with every name that was given up replaced by the new one. Strings, comments and dollar quotes stay.
pub(crate) fn replace<'t>(text: &'t str, words: &Words) -> Cow<'t, str> {
    let mut out: Option<String> = None;
    let mut copied = 0;
    let mut places = names(text).peekable();
    while let Some((start, end)) = places.next() {
        let raw = &text[start..end];
        let next = places.peek().filter(|next| next.0 == end + 1 && text.as_bytes()[end] == b'.');
        if let Some(&(from, to)) = next.filter(|_| !words.moved.is_empty())
            && let Some((schema, name)) = words.moved.get(&(plain(raw).into(), plain(&text[from..to]).into()))
        {
            let out = out.get_or_insert_with(String::new);
            out.push_str(&text[copied..start]);
            push_name(out, schema, raw.starts_with('"'));
            out.push('.');
            push_name(out, name, text[from..].starts_with('"'));
            copied = to;
            places.next();
            continue;
        }
        if let Some(Some(new)) = words.names.get(plain(raw).as_ref()) {
            let out = out.get_or_insert_with(String::new);
            out.push_str(&text[copied..start]);
            push_name(out, new, raw.starts_with('"'));
            copied = end;
        }
    }
    match out {
        Some(mut out) => {
            out.push_str(&text[copied..]);
            out.into()
        }
        None => text.into(),
    }
}

/// `text` with each of these names replaced: old name, new name.
pub fn renamed(text: &str, names: &[(SmolStr, SmolStr)]) -> String {
    let names = names.iter().map(|(old, new)| (old.clone(), Some(new.clone()))).collect();
    replace(text, &Words { names, ..Words::default() }).into_owned()
}

/// A name as the catalog has it.
fn plain(raw: &str) -> Cow<'_, str> {
    match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\"").into(),
        None => raw.to_lowercase().into(),
    }
}

/// Whether `text` has `word` as a name.
pub fn mentions(text: &str, word: &str) -> bool {
    // A quote in a name is doubled in text.
    (text.contains(word) || word.contains('"'))
        && names(text).any(|(start, end)| {
            let raw = &text[start..end];
            match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                Some(inner) => inner.replace("\"\"", "\"") == word,
                None => raw.eq_ignore_ascii_case(word),
            }
        })
}

/// For comparison only: quoted where it was quoted, or has to be.
fn push_name(out: &mut String, name: &str, quoted: bool) {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if quoted || !plain {
        out.push('"');
        out.push_str(&name.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(name);
    }
}

/// Where names (and keywords) stand.
fn names(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at;
            match bytes[at] {
                b'\'' => at = after_quote(bytes, at, b'\''),
                b'"' => {
                    at = after_quote(bytes, at, b'"');
                    return Some((start, at));
                }
                b'-' if bytes.get(at + 1) == Some(&b'-') => {
                    at = bytes[at..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |n| at + n);
                }
                b'$' => at = after_dollar(text, at),
                b if b.is_ascii_alphabetic() || b == b'_' || b >= 0x80 => {
                    while at < bytes.len() && is_word(bytes[at]) {
                        at += 1;
                    }
                    return Some((start, at));
                }
                b if b.is_ascii_digit() => {
                    while at < bytes.len() && is_word(bytes[at]) {
                        at += 1;
                    }
                }
                _ => at += 1,
            }
        }
        None
    })
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80
}

/// The place after the closing quote; a doubled quote does not close.
fn after_quote(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    at += 1;
    while at < bytes.len() {
        if bytes[at] == quote {
            if bytes.get(at + 1) != Some(&quote) {
                return at + 1;
            }
            at += 1;
        }
        at += 1;
    }
    at
}

/// The place after a dollar quote, or after the dollar where none begins.
fn after_dollar(text: &str, at: usize) -> usize {
    let rest = &text[at + 1..];
    let tag = rest.bytes().take_while(|&b| is_word(b) && b != b'$').count();
    if rest.as_bytes().get(tag) != Some(&b'$') {
        return at + 1;
    }
    let fence = &text[at..at + tag + 2];
    let body = at + fence.len();
    text[body..].find(fence).map_or(text.len(), |n| body + n + fence.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_replaced() {
        let names = [("title".into(), Some("name".into())), ("both".into(), None)].into_iter().collect();
        let words = Words { names, ..Words::default() };
        let text = "title = 'title' and \"title\" <> t.title and subtitle is null and both > 1 -- title\n and $$title$$ = Title";
        let expected =
            "name = 'title' and \"name\" <> t.name and subtitle is null and both > 1 -- title\n and $$title$$ = name";
        assert_eq!(replace(text, &words), expected);
        assert!(matches!(replace("a = 1", &words), Cow::Borrowed(_)));
    }

    #[test]
    fn what_went_to_another_schema_is_found_by_both_names() {
        let moved = [(("public".into(), "places".into()), ("app".into(), "Venues".into()))].into_iter().collect();
        let words = Words { moved, ..Words::default() };
        let text = "exists (select from public.places p join \"public\".others o on places.id = 'public.places')";
        let expected = "exists (select from app.\"Venues\" p join \"public\".others o on places.id = 'public.places')";
        assert_eq!(replace(text, &words), expected);
    }

    #[test]
    fn a_mention_is_a_whole_name() {
        assert!(mentions("coalesce(a.title, '')", "title"));
        assert!(!mentions("'title' || subtitle", "title"));
        assert!(mentions("\"Odd \"\"one\"", "Odd \"one"));
    }
}
