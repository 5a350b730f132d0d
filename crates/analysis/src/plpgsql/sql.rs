//! A body of SQL: statements one after the other.

use super::Body;
use super::reader::made;
use crate::Given;
use crate::scope::Output;
use crate::text::Part;
use crate::walk::{Unreadable, Walk, all_of};
use specc_diag::Diagnostic;
use specc_split::{Lexer, TokenKind};

/// Each statement is read by itself, so that one that cannot be read hides no other.
pub(super) fn read(walk: &mut Walk<'_>, body: &Body<'_>) {
    let tokens: Vec<_> = Lexer::new(body.text).map_while(Result::ok).collect();
    made(walk, &tokens);
    let (mut start, mut first, mut last) = (0, 0, None);
    for at in 0..=tokens.len() {
        let (end, next) = match tokens.get(at) {
            Some(token) if token.kind == TokenKind::Symbol(b';') => (token.start, token.end),
            Some(_) => continue,
            None => (body.text.len(), body.text.len()),
        };
        let output = walk.read_statement(start, end);
        if first < at {
            let columns = output.complete.then_some(output.columns);
            let (start, end) = (tokens[first].start, tokens[at - 1].end);
            last = Some(Given { start, end, columns, stars: output.stars });
        }
        (start, first) = (next, at + 1);
    }
    walk.out.given.extend(last);
}

impl Walk<'_> {
    /// Reads a part of the text as a statement.
    pub(crate) fn read_statement(&mut self, start: usize, end: usize) -> Output {
        let text = self.text;
        self.read_changed(&text[start..end], start)
    }

    /// Reads a statement of which parts were blanked; it stands at `start`.
    pub(crate) fn read_changed(&mut self, text: &str, start: usize) -> Output {
        self.read_parsed(text, start).unwrap_or_else(|found| {
            self.unreadable = Some(Unreadable::new(*found, start, 0));
            self.words(start, start + text.len());
            Output::open()
        })
    }

    /// The same, with why it cannot be read.
    pub(crate) fn read_parsed(&mut self, text: &str, start: usize) -> Result<Output, Box<Diagnostic>> {
        if text.trim().is_empty() {
            return Ok(Output::open());
        }
        if self.beyond(start, start + text.len()) {
            return Ok(Output { columns: Vec::new(), complete: true, ..Output::default() });
        }
        let (text, targets) = super::sql::without_conflict_targets(text);
        let statements = specc_expr::read_statements(&text, all_of(&text)).map_err(Box::new)?;
        let part = Part::new(&text, start, 0);
        self.conflicts = targets.into_iter().map(|(from, to)| (start + from, start + to)).collect();
        let mut output = Output::open();
        for statement in &statements {
            output = self.statement(&part, statement);
        }
        self.conflicts.clear();
        Ok(output)
    }
}

/// The parser knows only plain columns after `on conflict`: other targets are blanked, and their places returned, an empty one for
/// none.
fn without_conflict_targets(text: &str) -> (String, Vec<(usize, usize)>) {
    let lower = text.to_ascii_lowercase();
    let mut changed = text.to_owned();
    let mut targets = Vec::new();
    if !lower.contains("conflict") {
        return (changed, targets);
    }
    let tokens: Vec<_> = Lexer::new(text).map_while(Result::ok).collect();
    for (at, pair) in tokens.windows(2).enumerate() {
        if !(pair[0].is(text, "on") && pair[1].is(text, "conflict")) {
            continue;
        }
        let rest = &tokens[at + 2..];
        let Some(end) = rest.iter().position(|token| token.is(text, "do")) else { continue };
        let target = &rest[..end];
        let plain = target.iter().filter(|t| t.kind == TokenKind::Symbol(b'(')).count() == 1
            && target.last().is_some_and(|t| t.kind == TokenKind::Symbol(b')'))
            && target
                .iter()
                .all(|t| matches!(t.kind, TokenKind::Word | TokenKind::Quoted | TokenKind::Symbol(b'(' | b')' | b',')))
            && !target.iter().any(|t| t.is(text, "collate"));
        let constraint = target.first().is_some_and(|t| t.is(text, "on"));
        if target.is_empty() {
            targets.push((0, 0));
        }
        if let (Some(first), Some(last)) = (target.first(), target.last())
            && !plain
            && !constraint
        {
            changed.replace_range(first.start..last.end, &blank(&text[first.start..last.end]));
            targets.push((first.start, last.end));
        }
    }
    (changed, targets)
}

/// Blanks of the same length and lines.
pub(super) fn blank(text: &str) -> String {
    text.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect()
}
