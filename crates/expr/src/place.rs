//! From sqlparser's lines and columns to bytes of the spec.

use crate::tree::{Look, Tree};
use specc_diag::Span;
use sqlparser::ast::{CastKind, Expr, Ident, Query, Spanned};
use sqlparser::tokenizer::{Location, Span as Area};
use std::ops::ControlFlow;

/// The byte of `text` at `location`; `None` for a place that was never in a text.
pub(crate) fn byte(text: &str, location: Location) -> Option<usize> {
    if location.line == 0 || location.column == 0 {
        return None;
    }
    let mut start = 0;
    for _ in 1..location.line {
        start += text[start..].find('\n')? + 1;
    }
    let column = location.column as usize - 1;
    let rest = &text[start..];
    let head = &rest.as_bytes()[..column.min(rest.len())];
    if head.is_ascii() {
        return Some(start + head.len());
    }
    Some(start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at))
}

/// The bytes of `text` under `area`.
pub(crate) fn bytes(text: &str, area: Area) -> Option<(usize, usize)> {
    let start = byte(text, area.start)?;
    let end = byte(text, area.end)?;
    (start <= end).then_some((start, end))
}

/// The span of `ident` in `text`, which stands `at`; the whole of `at` for an identifier that was not written there.
pub fn ident_span(ident: &Ident, text: &str, at: Span) -> Span {
    bytes(text, ident.span).map_or(at, |(start, end)| at.part_of(text, start, end))
}

/// The span from the first of `idents` to the last.
pub fn idents_span(idents: &[Ident], text: &str, at: Span) -> Span {
    match (idents.first(), idents.last()) {
        (Some(first), Some(last)) => ident_span(first, text, at).to(ident_span(last, text, at)),
        _ => at,
    }
}

/// The span of `expr` in `text`, which stands `at`, with the parentheses that belong to it; the whole of `at` where
/// sqlparser does not know the place.
pub fn expr_span(expr: &Expr, text: &str, at: Span) -> Span {
    let Some((mut start, mut end)) = bytes(text, expr.span()) else {
        return at;
    };
    // sqlparser's area of a call or of parentheses ends at the last operand.
    if matches!(expr, Expr::Nested(_) | Expr::Tuple(_) | Expr::Subquery(_)) {
        let head = text[..start].trim_end();
        if head.ends_with('(') && !text[start..end].starts_with('(') {
            start = head.len() - 1;
        }
    }
    if let Expr::Cast { kind: CastKind::DoubleColon, .. } = expr {
        if text[end..].starts_with("()") {
            end += 2; // of a call without arguments only the name is known
        }
        end = type_end(text, end);
    }
    if matches!(expr, Expr::Function(_)) && text[end..].starts_with('(') && !text[start..end].contains('(') {
        end += 1;
    }
    let mut open = depth(&text[start..end]);
    while open > 0 {
        let Some(next) = text[end..].find([')', ']', '(', '[']) else {
            return at;
        };
        open += if matches!(text.as_bytes()[end + next], b')' | b']') { -1 } else { 1 };
        end += next + 1;
    }
    while open < 0 {
        let Some(next) = text[..start].rfind(['(', '[']) else {
            return at;
        };
        open += 1;
        start = text[..next]
            .rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.')))
            .map_or(0, |i| i + text[i..].chars().next().map_or(1, char::len_utf8));
    }
    at.part_of(text, start, end)
}

/// The first byte of `query` in `text` that sqlparser knows of: of its first keyword, or of its first name.
pub fn start_of(query: &Query, text: &str) -> Option<usize> {
    struct First(Option<Area>);
    impl Look for First {
        fn ident(&mut self, ident: &Ident) -> ControlFlow<()> {
            self.0 = Some(ident.span);
            ControlFlow::Break(())
        }
    }
    if let Some((start, _)) = bytes(text, query.span()) {
        return Some(start);
    }
    let mut first = First(None);
    query.walk(&mut first);
    bytes(text, first.0?).map(|(start, _)| start)
}

/// The end of `::type` that starts at or after `at`; `at` where none does.
fn type_end(text: &str, at: usize) -> usize {
    // the operand may stand in parentheses that its area leaves out
    let rest = text[at..].trim_start_matches(|c: char| c == ')' || c.is_whitespace());
    let Some(after) = rest.strip_prefix("::") else { return at };
    let mut end = text.len() - after.trim_start().len();
    loop {
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '"');
        let length = text[end..].find(|c| !word(c)).unwrap_or(text.len() - end);
        let name = text[end..end + length].to_ascii_lowercase();
        end += length;
        let next = text[end..].trim_start();
        let more = match &*name {
            "double" => next.starts_with("precision"),
            "character" | "char" | "bit" => next.starts_with("varying"),
            "timestamp" | "time" => next.starts_with("with time") || next.starts_with("without time"),
            "with" | "without" => next.starts_with("time"),
            _ => false,
        };
        if !more {
            break;
        }
        end = text.len() - next.len();
    }
    for (open, close) in [('(', ')'), ('[', ']')] {
        while text[end..].starts_with(open) {
            let Some(length) = text[end..].find(close) else { return end };
            end += length + 1;
        }
    }
    end
}

/// How many parentheses are open at the end, outside strings and quoted names.
fn depth(text: &str) -> i32 {
    let mut open = 0;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[') => open += 1,
            (None, ')' | ']') => open -= 1,
            _ => {}
        }
    }
    open
}
