//! A file into its statements.

use crate::lexer::{Lexer, Token, TokenKind};
use std::fmt;

/// One statement of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// From its first word to before its semicolon.
    pub text: &'a str,
    /// The byte at which it begins.
    pub start: usize,
    /// The line on which it begins, from 1.
    pub line: usize,
}

/// Why a file cannot be taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for SplitError {}

/// The statements of `text` in their order. Comments between them belong to none; empty ones are left out.
///
/// # Errors
/// Something that begins and does not end, and what only psql understands.
pub fn split(text: &str) -> Result<Vec<Piece<'_>>, SplitError> {
    let mut pieces = Vec::new();
    let mut lines = Lines { text, at: 0, line: 1 };
    let mut current = Current::default();
    for token in Lexer::new(text) {
        let token = token.map_err(|open| SplitError {
            line: lines.of(open.start),
            message: format!("the {} that begins here has no end", open.what),
        })?;
        match token.kind {
            TokenKind::Symbol(b';') if current.is_whole() => {
                current.finish(text, &mut lines, &mut pieces)?;
                current = Current::default();
            }
            TokenKind::Symbol(b'\\') => {
                let word: String = text[token.end..].chars().take_while(|c| !c.is_whitespace()).take(20).collect();
                return Err(SplitError {
                    line: lines.of(token.start),
                    message: format!(
                        "`\\{word}` is a command of psql, which the server does not know; write what it does as SQL, or take it out"
                    ),
                });
            }
            TokenKind::Symbol(0) => {
                let message = "there is a zero byte here, which Postgres takes in no text; take it out".into();
                return Err(SplitError { line: lines.of(token.start), message });
            }
            _ => current.add(text, token),
        }
    }
    current.finish(text, &mut lines, &mut pieces)?;
    Ok(pieces)
}

/// The line of a byte, for bytes that are asked for in their order.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn of(&mut self, byte: usize) -> usize {
        if byte > self.at {
            self.line += self.text.as_bytes()[self.at..byte].iter().filter(|b| **b == b'\n').count();
            self.at = byte;
        }
        self.line
    }
}

/// The statement that is being read.
#[derive(Default)]
struct Current {
    /// Its first and its last token.
    span: Option<(usize, usize)>,
    parens: usize,
    /// How deep inside `begin atomic`, with every `case` in it.
    atomic: usize,
    /// What the first words say it is.
    head: Vec<Token>,
    last: Option<Token>,
    /// Data follows `from stdin`, or comes out of `to stdout`.
    copies: bool,
}

const HEAD: usize = 4;

impl Current {
    /// Whether a semicolon would end it.
    fn is_whole(&self) -> bool {
        self.parens == 0 && self.atomic == 0
    }

    fn add(&mut self, text: &str, token: Token) {
        self.span = Some((self.span.map_or(token.start, |(start, _)| start), token.end));
        let last_is = |word| self.last.is_some_and(|last| last.is(text, word));
        match token.kind {
            TokenKind::Symbol(b'(' | b'[') => self.parens += 1,
            TokenKind::Symbol(b')' | b']') => self.parens = self.parens.saturating_sub(1),
            TokenKind::Word if self.atomic > 0 => {
                if token.is(text, "case") {
                    self.atomic += 1;
                } else if token.is(text, "end") {
                    self.atomic -= 1;
                }
            }
            TokenKind::Word if token.is(text, "atomic") && last_is("begin") && self.makes_routine(text) => {
                self.atomic = 1
            }
            TokenKind::Word
                if (last_is("from") && token.is(text, "stdin")) || (last_is("to") && token.is(text, "stdout")) =>
            {
                self.copies = self.head.first().is_some_and(|first| first.is(text, "copy"));
            }
            _ => {}
        }
        if self.head.len() < HEAD {
            self.head.push(token);
        }
        self.last = Some(token);
    }

    fn makes_routine(&self, text: &str) -> bool {
        let is = |n: usize, word| self.head.get(n).is_some_and(|token| token.is(text, word));
        let routine = |n| is(n, "function") || is(n, "procedure");
        is(0, "create") && (routine(1) || (is(1, "or") && is(2, "replace") && routine(3)))
    }

    fn finish<'a>(&self, text: &'a str, lines: &mut Lines<'_>, pieces: &mut Vec<Piece<'a>>) -> Result<(), SplitError> {
        let Some((start, end)) = self.span else {
            return Ok(());
        };
        let line = lines.of(start);
        if self.copies {
            let message =
                "`copy` from stdin or to stdout needs psql; write `insert` statements, or load the rows with psql \
                           before or after"
                    .into();
            return Err(SplitError { line, message });
        }
        pieces.push(Piece { text: &text[start..end], start, line });
        Ok(())
    }
}
