//! A reader over the tokens of one statement. It knows places exactly and stops at nothing: what it does not know is
//! skipped, so that one clause that is new to it hides no other.

use crate::name::Name;
use specc_catalog::DataType;
use specc_split::{Lexer, Token, TokenKind as T};
use specc_sql::read_type;

/// The tokens of a statement, and how far they were read.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    /// The text of the whole file.
    pub(crate) file: &'a str,
    text: &'a str,
    base: usize,
    tokens: Vec<Token>,
    at: usize,
    end: usize,
}

/// A token by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Atom {
    /// A word or a name, as the catalog has it.
    Name(String),
    /// A string, without its quotes.
    Text(String),
    Symbol(u8),
}

/// Brackets nested deeper than this are not looked into: no author means them.
pub(crate) const DEEP: usize = 100;

/// Bytes of a file.
pub(crate) type Place = (usize, usize);

impl<'a> Cursor<'a> {
    /// The tokens of `file[start..end]`.
    pub(crate) fn new(file: &'a str, start: usize, end: usize) -> Self {
        let text = file.get(start..end).unwrap_or_default();
        let tokens: Vec<_> = Lexer::new(text).map_while(Result::ok).collect();
        let end = tokens.len();
        Self { file, text, base: start, tokens, at: 0, end }
    }

    /// Whether all was read.
    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.end
    }

    fn token(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead).filter(|_| self.at + ahead < self.end)
    }

    /// Whether the token `ahead` of here is this key word.
    pub(crate) fn sees(&self, ahead: usize, word: &str) -> bool {
        self.token(ahead).is_some_and(|token| token.is(self.text, word))
    }

    /// Whether the token `ahead` of here is this name, bare or quoted.
    pub(crate) fn sees_name(&self, ahead: usize, name: &str) -> bool {
        self.token(ahead).and_then(|token| token.name(self.text)).is_some_and(|found| found == name)
    }

    /// Takes this name if it is here, bare or quoted: of a setting or an option, which are no key words.
    pub(crate) fn take_name(&mut self, name: &str) -> bool {
        let here = self.sees_name(0, name);
        self.at += usize::from(here);
        here
    }

    /// Whether the token here is one of these key words.
    pub(crate) fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.sees(0, word))
    }

    /// Whether the token `ahead` of here is this character.
    pub(crate) fn sees_symbol(&self, ahead: usize, symbol: u8) -> bool {
        self.token(ahead).is_some_and(|token| token.kind == T::Symbol(symbol))
    }

    /// Takes these words if all of them are here, in this order.
    pub(crate) fn take(&mut self, words: &str) -> bool {
        let mut count = 0;
        for (n, word) in words.split(' ').enumerate() {
            if !self.sees(n, word) {
                return false;
            }
            count = n + 1;
        }
        self.at += count;
        true
    }

    /// Takes this character if it is here.
    pub(crate) fn take_symbol(&mut self, symbol: u8) -> bool {
        let here = self.sees_symbol(0, symbol);
        self.at += usize::from(here);
        here
    }

    /// Takes one token, whatever it is.
    pub(crate) fn skip(&mut self) {
        self.at = (self.at + 1).min(self.end);
    }

    /// Takes one token, and all that it opens.
    pub(crate) fn skip_whole(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.token(0).map(|t| t.kind) {
                Some(T::Symbol(b'(' | b'[')) => depth += 1,
                Some(T::Symbol(b')' | b']')) => depth = depth.saturating_sub(1),
                None => return,
                _ => {}
            }
            self.skip();
            if depth == 0 {
                return;
            }
        }
    }

    /// Takes all up to the next comma that is in no brackets, or to the end.
    pub(crate) fn skip_item(&mut self) {
        while !self.is_done() && !self.sees_symbol(0, b',') {
            self.skip_whole();
        }
    }

    /// Takes all up to one of these words that is in no brackets. Says whether one is there.
    pub(crate) fn skip_to(&mut self, words: &[&str]) -> bool {
        while !self.is_done() && !self.is_any(words) {
            self.skip_whole();
        }
        !self.is_done()
    }

    /// Whether any of what is left is one of these words, in brackets or not.
    pub(crate) fn has(&self, words: &[&str]) -> bool {
        self.left().any(|token| words.iter().any(|word| token.is(self.text, word)))
    }

    /// The items that these words part from each other, outside of brackets.
    pub(crate) fn parted(mut self, words: &[&str]) -> Vec<Cursor<'a>> {
        let mut parts = Vec::new();
        loop {
            let start = self.at;
            let more = self.skip_to(words);
            parts.push(self.part(start, self.at));
            if !more {
                return parts;
            }
            self.skip();
        }
    }

    /// The same statement's text without spaces and comments, names as the catalog has them: what is equal here means the same.
    pub(crate) fn normal(&self) -> Vec<String> {
        let said = |token: &Token| match token.kind {
            T::Word | T::Quoted => token.name(self.text).unwrap_or_default(),
            T::Text | T::Symbol(_) => self.text[token.start..token.end].to_owned(),
        };
        self.left().map(said).collect()
    }

    /// The text of the string here, without its quotes, which is taken.
    pub(crate) fn string(&mut self) -> Option<String> {
        let token = *self.token(0).filter(|token| token.kind == T::Text)?;
        let inside = self.text[token.start..token.end].strip_prefix('\'')?.strip_suffix('\'')?;
        self.skip();
        Some(inside.replace("''", "'"))
    }

    /// Where the inside of the string here stands, if each of its bytes stands for itself: between dollar signs, or between
    /// quotes without any in it. The string is taken.
    pub(crate) fn string_inside(&mut self) -> Option<Place> {
        let token = *self.token(0).filter(|token| token.kind == T::Text)?;
        self.skip();
        let written = &self.text[token.start..token.end];
        let (open, plain) = match written.as_bytes().first()? {
            b'$' => (written[1..].find('$')? + 2, true),
            b'\'' => (1, !written.get(1..written.len() - 1)?.contains('\'')),
            _ => return None,
        };
        plain.then_some((self.base + token.start + open, self.base + token.end - open))
    }

    /// The type here, which is taken.
    pub(crate) fn ty(&mut self) -> Option<DataType> {
        let tokens = &self.tokens[self.at.min(self.end)..self.end];
        let (written, count) = read_type(self.text, tokens)?;
        self.at += count;
        // How many dimensions are written makes no difference to Postgres.
        Some(DataType { dims: written.ty.dims.min(1), ..written.ty })
    }

    fn left(&self) -> impl Iterator<Item = &Token> {
        self.tokens[self.at.min(self.end)..self.end].iter()
    }

    /// What is in the brackets that open here, which are taken.
    pub(crate) fn group(&mut self) -> Option<Cursor<'a>> {
        if !self.sees_symbol(0, b'(') {
            return None;
        }
        let start = self.at + 1;
        self.skip_whole();
        let closed = self.tokens.get(self.at - 1).is_some_and(|t| t.kind == T::Symbol(b')')) && self.at > start;
        Some(self.part(start, if closed { self.at - 1 } else { self.at }))
    }

    /// What is left, without the brackets around all of it.
    pub(crate) fn bare(&self) -> Cursor<'a> {
        let left = &self.tokens[self.at.min(self.end)..self.end];
        let mut open = Vec::new();
        let mut pairs = vec![None; left.len()];
        for (at, token) in left.iter().enumerate() {
            match token.kind {
                T::Symbol(b'(') => open.push(at),
                T::Symbol(b')') => {
                    if let Some(opened) = open.pop() {
                        pairs[opened] = Some(at);
                    }
                }
                _ => {}
            }
        }
        let around = |at: &usize| pairs[*at] == Some(left.len() - 1 - at) && *at + 1 < left.len() - 1 - at;
        let depth = (0..left.len()).take_while(around).count();
        self.part(self.at + depth, self.end.max(self.at + depth) - depth)
    }

    /// The items of a list, from here to the end.
    pub(crate) fn items(mut self) -> Vec<Cursor<'a>> {
        let mut items = Vec::new();
        while !self.is_done() {
            let start = self.at;
            self.skip_item();
            items.push(self.part(start, self.at));
            self.skip();
        }
        items
    }

    fn part(&self, start: usize, end: usize) -> Cursor<'a> {
        Cursor { tokens: self.tokens[start..end].to_vec(), at: 0, end: end - start, ..*self }
    }

    /// The tokens taken since `from`, as a reader of their own.
    pub(crate) fn since(&self, from: usize) -> Cursor<'a> {
        self.part(from.min(self.at), self.at)
    }

    /// How far it is read, for [`Cursor::since`] and [`Cursor::place`].
    pub(crate) fn mark(&self) -> usize {
        self.at
    }

    /// Goes back to a mark.
    pub(crate) fn back(&mut self, mark: usize) {
        self.at = mark;
    }

    /// Where what was taken since `from` stands in the file.
    pub(crate) fn place(&self, from: usize) -> Place {
        let last = self.at.saturating_sub(1).max(from);
        match (self.tokens.get(from), self.tokens.get(last)) {
            (Some(first), Some(last)) => (self.base + first.start, self.base + last.end),
            _ => (self.base, self.base),
        }
    }

    /// Where all of it stands.
    pub(crate) fn whole(&self) -> Place {
        match (self.tokens.first(), self.tokens.get(self.end.saturating_sub(1))) {
            (Some(first), Some(last)) => (self.base + first.start, self.base + last.end),
            _ => (self.base, self.base),
        }
    }

    /// Its text, as written.
    pub(crate) fn as_written(&self) -> &'a str {
        let (start, end) = self.whole();
        self.file.get(start..end).unwrap_or_default()
    }

    /// An identifier as the catalog has it, which is taken.
    pub(crate) fn ident(&mut self) -> Option<String> {
        let token = *self.token(0)?;
        let name = token.name(self.text)?;
        self.skip();
        Some(name)
    }

    /// A name that may have a schema, which is taken. Of three parts, the first (the database) is left out.
    pub(crate) fn name(&mut self) -> Option<Name> {
        let from = self.at;
        let mut parts = vec![self.ident()?];
        while self.sees_symbol(0, b'.') {
            self.skip();
            parts.push(self.ident()?);
        }
        let name = parts.pop()?;
        Some(Name { schema: parts.pop(), name, place: self.place(from) })
    }

    /// A list of identifiers in brackets, which is taken.
    pub(crate) fn ident_list(&mut self) -> Vec<String> {
        let items = self.group().map(Cursor::items).unwrap_or_default();
        items.into_iter().filter_map(|mut item| item.ident()).collect()
    }

    /// The bare words and quoted names that are left, as the catalog would have them.
    pub(crate) fn idents(&self) -> Vec<String> {
        let mut copy = self.clone();
        let mut all = Vec::new();
        while !copy.is_done() {
            match copy.ident() {
                Some(ident) => all.push(ident),
                None => copy.skip(),
            }
        }
        all
    }

    /// The tokens that are left, each with its place.
    pub(crate) fn atoms(&self) -> Vec<(Atom, Place)> {
        let mut copy = self.clone();
        let mut all = Vec::new();
        while !copy.is_done() {
            let from = copy.mark();
            let atom = match copy.token(0).map(|token| token.kind) {
                Some(T::Symbol(symbol)) => Atom::Symbol(symbol),
                Some(T::Text) => Atom::Text(copy.string().unwrap_or_default()),
                _ => Atom::Name(copy.ident().unwrap_or_default()),
            };
            copy.back(from + 1);
            all.push((atom, copy.place(from)));
        }
        all
    }

    /// The strings that are left, without their quotes.
    pub(crate) fn strings(&self) -> Vec<(String, Place)> {
        let texts = self.left().filter(|t| t.kind == T::Text);
        let plain = texts.filter_map(|t| {
            let inside = self.text[t.start..t.end].strip_prefix('\'')?.strip_suffix('\'')?;
            Some((inside.replace("''", "'"), (self.base + t.start, self.base + t.end)))
        });
        plain.collect()
    }
}
