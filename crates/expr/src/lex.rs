//! A text in tokens, with the bytes that each stands at.

use crate::parse;
use sqlparser::tokenizer::{Location, Token};

/// A token and its place.
#[derive(Clone, Debug)]
pub struct Lexed {
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// What it is; of strings, the value.
    pub token: Token,
}

/// All tokens of `text`, spaces and comments included. `None` where it cannot be cut into tokens.
pub fn lex(text: &str) -> Option<Vec<Lexed>> {
    let tokens = parse::tokens(text)?;
    let mut places = Places { text, line: 1, column: 1, byte: 0 };
    let mut lexed = Vec::with_capacity(tokens.len());
    for token in tokens {
        let start = places.byte(token.span.start);
        let end = places.byte(token.span.end);
        lexed.push(Lexed { start, end, token: token.token });
    }
    Some(lexed)
}

/// The index of the parenthesis that closes the one at `open`.
pub fn closing(tokens: &[Lexed], open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Follows sqlparser's lines and columns through a text, which only grow.
struct Places<'t> {
    text: &'t str,
    line: u64,
    column: u64,
    byte: usize,
}

impl Places<'_> {
    fn byte(&mut self, at: Location) -> usize {
        while (self.line, self.column) < (at.line, at.column)
            && let Some(c) = self.text[self.byte..].chars().next()
        {
            self.byte += c.len_utf8();
            if c == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stand_where_they_are_written() {
        let text = "a = 'é''x'\n  and \"b\" -- no\n";
        for token in lex(text).expect("tokens") {
            let written = &text[token.start..token.end];
            match &token.token {
                Token::Word(word) => assert!(written.contains(&word.value)),
                Token::SingleQuotedString(value) => {
                    assert_eq!((written, value.as_str()), ("'é''x'", "é'x"));
                }
                _ => {}
            }
        }
    }

    #[test]
    fn a_parenthesis_is_closed() {
        let tokens = lex("f(a, (b)) + (c)").expect("tokens");
        let open = tokens.iter().position(|t| t.token == Token::LParen).expect("one");
        let close = closing(&tokens, open).expect("closed");
        assert_eq!(tokens[close].start, 8);
    }
}
