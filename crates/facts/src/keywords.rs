//! Keywords, for quoting and for labels.

use rustc_hash::FxHashMap;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../data/keywords.txt");

/// Keywords of any version that cannot be a column's or table's name without quotes, sorted: all that the grammar reserves
/// somewhere, as `quote_ident` has it.
const RESERVED: &[&str] = &{
    let mut words = [""; count(true)];
    let (mut at, mut n) = (0, 0);
    while at < TEXT.len() {
        let (word, reserved, next) = line(at);
        if reserved {
            words[n] = word;
            n += 1;
        }
        at = next;
    }
    words
};

/// The word of the line at `at`, whether it is reserved somewhere, and where the next line is.
const fn line(at: usize) -> (&'static str, bool, usize) {
    let bytes = TEXT.as_bytes();
    let (mut space, mut end) = (at, at);
    while bytes[space] != b' ' {
        space += 1;
    }
    while bytes[end] != b'\n' {
        end += 1;
    }
    let (_, from) = TEXT.split_at(at);
    let (word, _) = from.split_at(space - at);
    (word, bytes[space + 1] != b'U', end + 1)
}

const fn count(reserved: bool) -> usize {
    let (mut at, mut n) = (0, 0);
    while at < TEXT.len() {
        let (_, is, next) = line(at);
        if is || !reserved {
            n += 1;
        }
        at = next;
    }
    n
}

/// By first letter: where its reserved words start and end, and a bit for each length that one has. Most names are told
/// apart by that alone.
const LETTERS: [(usize, usize, u32); 26] = {
    let mut letters = [(0, 0, 0); 26];
    let mut at = 0;
    while at < RESERVED.len() {
        let word = RESERVED[at].as_bytes();
        let letter = &mut letters[(word[0] - b'a') as usize];
        if letter.1 == 0 {
            letter.0 = at;
        }
        letter.1 = at + 1;
        letter.2 |= 1 << word.len();
        at += 1;
    }
    letters
};

fn is_reserved(name: &str) -> bool {
    let letter = name.bytes().next().and_then(|b| LETTERS.get(usize::from(b.wrapping_sub(b'a'))));
    letter.is_some_and(|(start, end, lengths)| {
        name.len() < 32 && lengths >> name.len() & 1 == 1 && RESERVED[*start..*end].contains(&name)
    })
}

/// Words that PL/pgSQL reserves and SQL does not: a row's field of such a name is not found by it in a body.
const OF_BODIES: [&str; 9] = ["begin", "by", "declare", "execute", "foreach", "if", "loop", "strict", "while"];

/// Whether `name` has to be quoted to mean itself, in SQL and in the bodies of functions.
pub fn needs_quotes(name: &str) -> bool {
    let mut bytes = name.bytes();
    let plain = bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_')
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    !plain || is_reserved(name) || OF_BODIES.contains(&name)
}

/// Whether it is a keyword of any kind, in lower case.
pub fn is_keyword(word: &str) -> bool {
    static ALL: [&str; count(false)] = {
        let mut words = [""; count(false)];
        let (mut at, mut n) = (0, 0);
        while at < TEXT.len() {
            let (word, _, next) = line(at);
            words[n] = word;
            n += 1;
            at = next;
        }
        words
    };
    ALL.binary_search(&word).is_ok()
}

/// The kind of a keyword, and whether it can be a label without `as`.
fn kind(word: &str) -> Option<(u8, bool)> {
    static KINDS: LazyLock<FxHashMap<&str, (u8, bool)>> = LazyLock::new(|| {
        let read = |line: &'static str| {
            let (word, kind) = line.split_once(' ')?;
            let kind = kind.split('@').next().unwrap_or_default();
            Some((word, (*kind.as_bytes().first()?, kind.ends_with('b'))))
        };
        TEXT.lines().filter_map(read).collect()
    });
    KINDS.get(word).copied()
}

/// Whether `select 1 word` labels the column: any name, and most keywords.
pub fn is_bare_label(word: &str) -> bool {
    kind(word).is_none_or(|(_, bare)| bare)
}

/// Whether a table, or its alias, can have this name without quotes.
pub fn may_name_table(word: &str) -> bool {
    kind(word).is_none_or(|(kind, _)| matches!(kind, b'U' | b'C'))
}

/// Whether the word joins expressions, as an operator does.
pub fn is_operator_word(word: &str) -> bool {
    let all =
        ["and", "at", "between", "collate", "ilike", "in", "is", "isnull", "like", "not", "notnull", "operator", "or"];
    all.contains(&word) || matches!(word, "overlaps" | "similar")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_sorted_so_that_the_search_finds_them() {
        assert!(RESERVED.is_sorted() && RESERVED.len() > 100);
        assert!(is_keyword("zone") && is_keyword("abort") && !is_keyword("events"));
    }

    #[test]
    fn quotes_only_what_needs_it() {
        let quoted = ["user", "select", "int", "json_table", "left", "createdAt", "1st", "", "naïve", "a b"];
        for name in quoted {
            assert!(needs_quotes(name), "{name}");
        }
        for name in ["events", "name", "type", "_x", "json_tables"] {
            assert!(!needs_quotes(name), "{name}");
        }
    }
}
