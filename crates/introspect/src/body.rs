//! Which objects the text of a function names. Postgres does not keep that for text; but it looks at the text when the
//! function is made, so what it names had better be there.

use smol_str::SmolStr;
use std::collections::BTreeSet;

/// A name in a text: with or without a schema.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Mention {
    pub schema: Option<SmolStr>,
    pub name: SmolStr,
}

/// All names in a text, outside of comments; those that a whole string is where `strings` may name something.
pub(crate) fn mentions(text: &str, strings: bool) -> BTreeSet<Mention> {
    let mut found = BTreeSet::new();
    let mut before: Option<SmolStr> = None;
    let mut words = Words { text, at: 0 };
    let mut dotted = false;
    while let Some(word) = words.next_word() {
        match word {
            Word::Name(name) => {
                let schema = before.take().filter(|_| dotted);
                found.insert(Mention { schema, name: name.clone() });
                before = Some(name);
                dotted = false;
            }
            Word::Dot => dotted = before.is_some(),
            Word::String(text) => {
                found.extend(name(text).filter(|_| strings));
                before = None;
                dotted = false;
            }
            Word::Other => {
                before = None;
                dotted = false;
            }
        }
    }
    found
}

/// What a string is the name of: `to_tsvector('app.search', …)` looks for the configuration when the function is made.
fn name(string: &str) -> Option<Mention> {
    let mut words = Words { text: string, at: 0 };
    let Word::Name(first) = words.next_word()? else { return None };
    match (words.next_word(), words.next_word(), words.next_word()) {
        (None, ..) => Some(Mention { schema: None, name: first }),
        (Some(Word::Dot), Some(Word::Name(name)), None) => Some(Mention { schema: Some(first), name }),
        _ => None,
    }
}

/// Whether a text names a column (or anything) of this name.
pub(crate) fn names(text: &str, name: &str) -> bool {
    if !text.contains(name) && !name.contains('"') {
        return false;
    }
    let mut words = Words { text, at: 0 };
    while let Some(word) = words.next_word() {
        if matches!(word, Word::Name(found) if found == name) {
            return true;
        }
    }
    false
}

enum Word<'a> {
    Name(SmolStr),
    Dot,
    /// What is in the quotes.
    String(&'a str),
    Other,
}

struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    fn next_word(&mut self) -> Option<Word<'a>> {
        let bytes = self.text.as_bytes();
        let byte = loop {
            let byte = *bytes.get(self.at)?;
            if !byte.is_ascii_whitespace() {
                break byte;
            }
            self.at += 1;
        };
        let start = self.at;
        let rest = &self.text[start..];
        if rest.starts_with("--") {
            self.at += rest.find('\n').unwrap_or(rest.len());
            return self.next_word();
        }
        if rest.starts_with("/*") {
            self.at += rest.find("*/").map_or(rest.len(), |end| end + 2);
            return self.next_word();
        }
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80;
        match byte {
            b'"' => {
                let (name, length) = quoted(rest, '"');
                self.at += length;
                Some(Word::Name(name))
            }
            b'\'' => {
                let escapes = start > 0 && matches!(bytes[start - 1], b'e' | b'E');
                let length = string(rest, escapes);
                self.at += length;
                Some(Word::String(rest.get(1..length.saturating_sub(1)).unwrap_or_default()))
            }
            b'.' => {
                self.at += 1;
                Some(Word::Dot)
            }
            byte if is_name(byte) && byte != b'$' => {
                self.at += rest.bytes().take_while(|&byte| is_name(byte)).count();
                let word = &self.text[start..self.at];
                if byte.is_ascii_digit() {
                    return Some(Word::Other);
                }
                Some(Word::Name(word.to_ascii_lowercase().into()))
            }
            _ => {
                self.at += rest.chars().next().map_or(1, char::len_utf8);
                Some(Word::Other)
            }
        }
    }
}

/// The name in quotes, and how long it is with them.
fn quoted(text: &str, quote: char) -> (SmolStr, usize) {
    let mut name = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            name.push(c);
            continue;
        }
        if chars.next_if(|(_, next)| *next == quote).is_none() {
            return (name.into(), at + 1);
        }
        name.push(quote);
    }
    (name.into(), text.len())
}

/// How long a string is.
fn string(text: &str, escapes: bool) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if escapes => at += 2,
            b'\'' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_outside_of_comments_and_longer_strings() {
        let text = "select \"Odd\".a, b.c.d from Public.\"T\"\"x\" -- not.this\n where x = 'but.that' /* or.this */";
        let mut found: Vec<_> = mentions(text, true)
            .into_iter()
            .filter_map(|m| m.schema.map(|schema| format!("{schema}.{}", m.name)))
            .collect();
        found.sort();
        assert_eq!(found, ["Odd.a", "b.c", "but.that", "c.d", "public.T\"x"]);
        assert!(!mentions(text, true).iter().any(|m| m.name == "this" && m.schema.is_none()));
        assert!(!mentions("select 'not this', 'nor.this.one'", true).iter().any(|m| m.name == "this"));
    }

    #[test]
    fn columns_are_found_by_their_whole_name() {
        assert!(names("(a_b > 1)", "a_b"));
        assert!(!names("(a_b > 1)", "a"));
        assert!(names("\"A b\" = 'c'", "A b"));
        assert!(!names("x = 'c'", "c"));
    }
}
