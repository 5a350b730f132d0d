//! The tokens of SQL, as far as they matter to find where a statement ends and what it is.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A bare word: a key word, an identifier, a number.
    Word,
    /// An identifier in double quotes.
    Quoted,
    /// A string of any form.
    Text,
    /// Any other character.
    Symbol(u8),
}

/// A token and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its first byte.
    pub start: usize,
    /// One past its last.
    pub end: usize,
}

impl Token {
    /// The identifier that it is, as the catalog has it: folded, unless it is quoted. None for what is no identifier.
    pub fn name(&self, text: &str) -> Option<String> {
        let written = &text[self.start..self.end];
        match self.kind {
            TokenKind::Word => Some(written.to_lowercase()),
            TokenKind::Quoted => Some(written[1..written.len() - 1].replace("\"\"", "\"")),
            TokenKind::Text | TokenKind::Symbol(_) => None,
        }
    }

    /// Whether it is this key word, given in lower case.
    pub fn is(&self, text: &str, word: &str) -> bool {
        self.kind == TokenKind::Word && text[self.start..self.end].eq_ignore_ascii_case(word)
    }
}

/// Something that begins and does not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// `string`, `comment` …
    pub what: &'static str,
    /// Where it begins.
    pub start: usize,
}

/// Gives the tokens of a text; comments and white space are none.
#[derive(Debug)]
pub struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    /// Of this text.
    pub fn new(text: &'a str) -> Self {
        Self { text: text.as_bytes(), at: 0 }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    /// Goes to the next token.
    fn skip(&mut self) -> Result<(), Open> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b), _) if is_space(b) => self.at += 1,
                (Some(b'-'), Some(b'-')) => self.line_comment(),
                (Some(b'/'), Some(b'*')) => self.block_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn line_comment(&mut self) {
        while self.peek(0).is_some_and(|b| b != b'\n' && b != b'\r') {
            self.at += 1;
        }
    }

    /// Block comments nest.
    fn block_comment(&mut self) -> Result<(), Open> {
        let start = self.at;
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                (Some(_), _) => self.at += 1,
                (None, _) => return Err(Open { what: "comment", start }),
            }
        }
    }

    /// From the opening quote on; a doubled quote is part of it.
    fn quoted(&mut self, quote: u8, escapes: bool, what: &'static str) -> Result<(), Open> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek(0) {
                None => return Err(Open { what, start }),
                Some(b'\\') if escapes => self.at = (self.at + 2).min(self.text.len()),
                Some(b) if b == quote => {
                    self.at += 1;
                    if self.peek(0) == Some(quote) || (escapes && self.continues()) {
                        self.at += 1;
                    } else {
                        return Ok(());
                    }
                }
                Some(_) => self.at += 1,
            }
        }
    }

    /// A string goes on in the same way after a line break: stops at the quote that goes on. For other strings than those
    /// with escapes it makes no difference.
    fn continues(&mut self) -> bool {
        let here = self.at;
        let mut lines = false;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b), _) if is_space(b) => {
                    lines |= b == b'\n' || b == b'\r';
                    self.at += 1;
                }
                (Some(b'-'), Some(b'-')) => self.line_comment(),
                (Some(b'\''), _) if lines => return true,
                _ => {
                    self.at = here;
                    return false;
                }
            }
        }
    }

    /// A body between dollar signs, if one begins here.
    fn dollar(&mut self) -> Result<bool, Open> {
        let start = self.at;
        let mut end = start + 1;
        while self.text.get(end).is_some_and(|b| is_word(*b) && *b != b'$') {
            end += 1;
        }
        let digit = self.text.get(start + 1).is_some_and(u8::is_ascii_digit);
        if digit || self.text.get(end) != Some(&b'$') {
            return Ok(false);
        }
        let tag = &self.text[start..=end];
        let mut at = end + 1;
        while at + tag.len() <= self.text.len() {
            if self.text[at] == b'$' && self.text[at..].starts_with(tag) {
                self.at = at + tag.len();
                return Ok(true);
            }
            at += 1;
        }
        Err(Open { what: "text between dollar signs", start })
    }

    fn token(&mut self, first: u8) -> Result<TokenKind, Open> {
        match first {
            b'\'' => self.quoted(b'\'', false, "string").map(|()| TokenKind::Text),
            b'"' => self.quoted(b'"', false, "quoted name").map(|()| TokenKind::Quoted),
            b'$' if self.dollar()? => Ok(TokenKind::Text),
            b if b.is_ascii_digit() => {
                // A number takes no dollar sign: a body may begin right behind it.
                while self.peek(0).is_some_and(|b| is_word(b) && b != b'$') {
                    self.at += 1;
                }
                Ok(TokenKind::Word)
            }
            b if is_word(b) && b != b'$' => {
                while self.peek(0).is_some_and(is_word) {
                    self.at += 1;
                }
                Ok(TokenKind::Word)
            }
            b => {
                self.at += 1;
                Ok(TokenKind::Symbol(b))
            }
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Result<Token, Open>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Err(open) = self.skip() {
            self.at = self.text.len();
            return Some(Err(open));
        }
        let start = self.at;
        let first = self.peek(0)?;
        let escapes = matches!((first, self.peek(1)), (b'e' | b'E', Some(b'\'')));
        let kind = if escapes {
            self.at += 1;
            self.quoted(b'\'', true, "string").map(|()| TokenKind::Text)
        } else {
            self.token(first)
        };
        Some(match kind {
            Ok(kind) => Ok(Token { kind, start, end: self.at }),
            Err(open) => {
                self.at = self.text.len();
                Err(open)
            }
        })
    }
}

fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80
}
