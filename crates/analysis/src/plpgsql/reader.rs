//! The tokens of a PL/pgSQL body.

use super::{Body, Gives};
use crate::Returned;
use crate::scope::Frame;
use crate::walk::{Unreadable, Walk};
use specc_split::{Lexer, Token, TokenKind};

/// Reads a body.
pub(super) fn read(walk: &mut Walk<'_>, body: &Body<'_>) {
    let tokens: Vec<Token> = Lexer::new(body.text).map_while(Result::ok).collect();
    made(walk, &tokens);
    let text = walk.text;
    let (last, statements, unread) = block(walk, &tokens, text.len(), body.returns.clone(), body.gives);
    let plain = !tokens.iter().any(|token| token.is(text, "declare") || token.kind == TokenKind::Symbol(b'#'));
    walk.out.only = last.filter(|_| !unread && statements == 1 && plain);
}

/// Reads tokens that end at a byte as a block: what it returned last, how many statements it has, and whether it could not be
/// read.
pub(super) fn block(
    walk: &mut Walk<'_>,
    tokens: &[Token],
    end: usize,
    returns: Option<specc_catalog::DataType>,
    gives: Gives,
) -> (Option<Returned>, usize, bool) {
    walk.frames.push(Frame::default());
    let text = walk.text;
    let mut reader = Reader {
        walk,
        text,
        tokens,
        at: 0,
        returns,
        gives,
        returned: false,
        statements: 0,
        last: None,
        loops: 0,
        handlers: 0,
        depth: 0,
    };
    let read = reader.whole(end);
    let (last, statements) = (reader.last, reader.statements);
    walk.frames.pop();
    (last, statements, !read)
}

/// Relations, types and functions that the text makes: `create … name`, `select … into temp name`.
pub(super) fn made(walk: &mut Walk<'_>, tokens: &[Token]) {
    let text = walk.text;
    for (at, token) in tokens.iter().enumerate() {
        if !token.is(text, "create") && !token.is(text, "into") && !token.is(text, "rename") {
            continue;
        }
        let skipped = [
            "or",
            "replace",
            "global",
            "local",
            "temp",
            "temporary",
            "unlogged",
            "table",
            "view",
            "materialized",
            "recursive",
            "sequence",
            "schema",
            "function",
            "procedure",
            "type",
            "domain",
            "if",
            "not",
            "exists",
            "to",
            "only",
        ];
        let is_skipped = |t: &&Token| skipped.iter().any(|word| t.is(text, word));
        let rest = &tokens[at + 1..];
        let words = rest.iter().take_while(is_skipped).count();
        if words == 0 {
            continue;
        }
        let mut names = rest[words..].iter();
        let first = names.next().and_then(|token| token.name(text));
        let dotted = names.next().is_some_and(|t| t.kind == TokenKind::Symbol(b'.'));
        let second = names.next().filter(|_| dotted).and_then(|token| token.name(text));
        let name: Option<smol_str::SmolStr> = second.or(first).map(Into::into);
        let temporary = rest[..words].iter().any(|t| t.is(text, "temp") || t.is(text, "temporary"));
        walk.made_temporary.extend(name.clone().filter(|_| temporary));
        walk.made.extend(name);
    }
}

pub(super) struct Reader<'r, 'a> {
    pub walk: &'r mut Walk<'a>,
    pub text: &'a str,
    pub tokens: &'r [Token],
    pub at: usize,
    pub returns: Option<specc_catalog::DataType>,
    pub gives: Gives,
    /// A `return` was read.
    pub returned: bool,
    /// How many statements were read.
    pub statements: usize,
    /// What was returned last.
    pub last: Option<Returned>,
    /// How many loops are around.
    pub loops: usize,
    /// How many handlers of exceptions are around.
    pub handlers: usize,
    pub depth: usize,
}

impl Reader<'_, '_> {
    pub(super) fn is_at(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(self.text, word))
    }

    pub(super) fn is(&self, word: &str) -> bool {
        self.is_at(self.at, word)
    }

    pub(super) fn symbol_at(&self, at: usize, symbol: u8) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == TokenKind::Symbol(symbol))
    }

    pub(super) fn symbol(&self, symbol: u8) -> bool {
        self.symbol_at(self.at, symbol)
    }

    /// Goes past the word, if it stands here.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let here = self.is(word);
        self.at += usize::from(here);
        here
    }

    pub(super) fn take_symbol(&mut self, symbol: u8) -> bool {
        let here = self.symbol(symbol);
        self.at += usize::from(here);
        here
    }

    /// The identifier here.
    pub(super) fn name(&self) -> Option<String> {
        self.tokens.get(self.at)?.name(self.text)
    }

    /// `name.name…` here and where it ends; nothing is passed.
    pub(super) fn names(&self) -> (Vec<String>, usize) {
        let mut names = Vec::new();
        let mut at = self.at;
        while let Some(name) = self.tokens.get(at).and_then(|token| token.name(self.text)) {
            names.push(name);
            at += 1;
            if !self.symbol_at(at, b'.') || self.symbol_at(at + 1, b'.') {
                break;
            }
            at += 1;
        }
        (names, at)
    }

    /// Bytes from one token to before another.
    pub(super) fn bytes(&self, from: usize, to: usize) -> (usize, usize) {
        match (self.tokens.get(from), to.checked_sub(1).and_then(|last| self.tokens.get(last))) {
            (Some(first), Some(last)) if from < to => (first.start, last.end),
            _ => (self.text.len(), self.text.len()),
        }
    }

    /// The next place where one of these words or a semicolon stands outside of parentheses and of `case … end`.
    pub(super) fn until(&self, words: &[&str]) -> usize {
        let (mut at, mut depth, mut cases) = (self.at, 0usize, 0usize);
        while let Some(token) = self.tokens.get(at) {
            match token.kind {
                TokenKind::Symbol(b'(' | b'[') => depth += 1,
                TokenKind::Symbol(b')' | b']') => depth = depth.saturating_sub(1),
                TokenKind::Symbol(b';') => return at,
                TokenKind::Word => {
                    if depth == 0 && cases == 0 && words.iter().any(|word| token.is(self.text, word)) {
                        return at;
                    }
                    if token.is(self.text, "case") {
                        cases += 1;
                    } else if token.is(self.text, "end") {
                        cases = cases.saturating_sub(1);
                    }
                }
                _ => {}
            }
            at += 1;
        }
        at
    }

    /// Reads from here to one of these words as an expression, and stops before it.
    pub(super) fn expression(&mut self, words: &[&str]) -> crate::scope::Output {
        let end = self.until(words);
        let output = self.expression_to(end);
        self.at = end;
        output
    }

    pub(super) fn expression_to(&mut self, end: usize) -> crate::scope::Output {
        if self.at >= end {
            return crate::scope::Output::open();
        }
        let (start, stop) = self.bytes(self.at, end);
        let output = self.walk.read_expression(start, stop);
        if let Some(problem) = self.walk.unreadable.take() {
            self.unreadable(self.at, end, problem);
        } else if self.ends_early(end) {
            // It could be a label, but is the next statement.
            let problem = Unreadable { start, end: stop, message: String::new(), help: None, certain: false };
            self.unreadable(self.at, end, problem);
        }
        output
    }

    /// Reads from here to a token as a statement.
    pub(super) fn statement_to(&mut self, from: usize, end: usize) -> crate::scope::Output {
        let (start, stop) = self.bytes(from, end);
        let output = self.walk.read_statement(start, stop);
        if let Some(problem) = self.walk.unreadable.take() {
            self.unreadable(from, end, problem);
        }
        output
    }

    /// Goes past the next semicolon.
    pub(super) fn semicolon(&mut self) -> Option<()> {
        self.at = self.until(&[]);
        if self.take_symbol(b';') {
            return Some(());
        }
        let last = self.tokens.len().saturating_sub(1);
        let message = if self.is_at(last, "end") { "expected `;` before `end`" } else { "expected `;` at the end" };
        self.broken(last, message, "end the statement before it with `;`")
    }
}
