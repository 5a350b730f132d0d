//! What a `do` block runs: the SQL between the words of PL/pgSQL, and the texts that it executes.

use crate::cursor::{Cursor, Place};

/// A part of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Inner {
    /// A statement.
    Sql(Place),
    /// What runs SQL that only it knows.
    Hidden(Place),
}

/// What statements of SQL begin with; `select` and what else only reads is not looked at.
const STARTS: [&str; 22] = [
    "alter", "analyze", "cluster", "comment", "copy", "create", "delete", "drop", "explain", "grant", "insert", "lock",
    "merge", "refresh", "reindex", "reset", "revoke", "set", "truncate", "update", "vacuum", "with",
];

/// The parts of the `do` block at `start..end`; absent where it is none, or one that is not read.
pub(crate) fn inner(file: &str, start: usize, end: usize) -> Option<Vec<Inner>> {
    // most statements are no block, and need not be taken apart for that
    file.get(start..start + 2).filter(|first| first.eq_ignore_ascii_case("do"))?;
    let mut words = Cursor::new(file, start, end);
    words.take("do").then_some(())?;
    let mut body = None;
    while !words.is_done() {
        if words.take("language") {
            let language = words.string().or_else(|| words.ident())?;
            (language == "plpgsql").then_some(())?;
        } else {
            body = Some(words.string_inside()?);
        }
    }
    let (start, end) = body?;
    let mut parts = Vec::new();
    let mut words = Cursor::new(file, start, end);
    while !words.is_done() {
        let from = words.mark();
        while !words.is_done() && !words.sees_symbol(0, b';') {
            words.skip_whole();
        }
        piece(&mut words.since(from), &mut parts);
        words.skip();
    }
    Some(parts)
}

/// What stands between two semicolons: words of PL/pgSQL, then a statement of theirs or of SQL.
fn piece(words: &mut Cursor<'_>, parts: &mut Vec<Inner>) {
    while !words.is_done() {
        if words.is_any(&STARTS) {
            parts.push(Inner::Sql(rest(words)));
            return;
        }
        if words.sees(0, "execute") {
            execute(words, parts);
            return;
        }
        if words.is_any(&["perform", "call"]) {
            parts.push(Inner::Hidden(rest(words)));
            return;
        }
        if words.is_any(&["if", "elsif", "elseif", "when", "while", "for", "foreach"]) {
            head(words, parts);
        } else if words.is_any(&["begin", "else", "loop", "declare", "exception", "case"]) {
            words.skip();
        } else if words.sees_symbol(0, b'<') {
            // a label
            while !words.is_done() && !words.sees_symbol(0, b'>') {
                words.skip();
            }
            words.skip();
            words.skip();
        } else {
            return;
        }
    }
}

/// `if … then`, `for … in … loop`: what a loop goes over may write, too.
fn head(words: &mut Cursor<'_>, parts: &mut Vec<Inner>) {
    let over = words.sees(0, "for");
    words.skip();
    if over && words.skip_to(&["in", "loop"]) && words.take("in") {
        if words.is_any(&["with", "insert", "update", "delete", "merge"]) {
            let from = words.mark();
            words.skip_to(&["loop"]);
            parts.push(Inner::Sql(words.place(from)));
        } else if words.sees(0, "execute") {
            let from = words.mark();
            words.skip_to(&["loop"]);
            execute(&mut words.since(from), parts);
        }
    }
    words.skip_to(&["then", "loop"]);
    words.skip();
}

/// A text that is written out is read; one that is put together is not.
fn execute(words: &mut Cursor<'_>, parts: &mut Vec<Inner>) {
    let whole = rest(&mut words.clone());
    words.skip();
    let inside = words.string_inside();
    let alone = words.is_done() || words.is_any(&["into", "using"]);
    parts.push(match inside {
        Some(inside) if alone => Inner::Sql(inside),
        _ => Inner::Hidden(whole),
    });
}

fn rest(words: &mut Cursor<'_>) -> Place {
    let from = words.mark();
    while !words.is_done() {
        words.skip();
    }
    words.place(from)
}
