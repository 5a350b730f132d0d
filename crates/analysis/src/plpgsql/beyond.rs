//! Statements that sqlparser does not read, and what they name: blocks that are run at once, locks, refreshed views.

use super::Gives;
use super::reader::{self, Reader};
use crate::scope::Conflict;
use crate::walk::Walk;
use specc_split::{Lexer, Token, TokenKind};

impl Walk<'_> {
    /// Reads a statement of one of these kinds; false for others.
    pub(crate) fn beyond(&mut self, start: usize, end: usize) -> bool {
        let text = self.text;
        let tokens: Vec<Token> = Lexer::new(&text[start..end]).map_while(Result::ok).map(|t| moved(t, start)).collect();
        let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(text, word));
        if is(0, "do") {
            self.block_at_once(&tokens);
            return true;
        }
        let at = match () {
            () if is(0, "lock") => 1 + usize::from(is(1, "table")),
            () if is(0, "refresh") && is(1, "materialized") && is(2, "view") => 3 + usize::from(is(3, "concurrently")),
            () => return false,
        };
        self.named_relations(&tokens, at);
        true
    }

    /// `do $$ … $$`, in PL/pgSQL: it sees no variables of what is around it.
    fn block_at_once(&mut self, tokens: &[Token]) {
        let text = self.text;
        let Some(block) = tokens.iter().find_map(|token| super::constant(text, token)) else { return };
        let language = tokens.iter().position(|token| token.is(text, "language")).and_then(|at| tokens.get(at + 1));
        if language.and_then(|token| token.name(text)).is_some_and(|name| name != "plpgsql") {
            return;
        }
        let frames = std::mem::take(&mut self.frames);
        let numbered = std::mem::take(&mut self.numbered);
        let levels = std::mem::take(&mut self.levels);
        let around = (self.all_numbered, self.procedural, self.conflict, self.fixed_path, self.broken);
        (self.all_numbered, self.procedural, self.conflict) = (true, true, Conflict::Error);
        self.fixed_path = self.own_path;
        self.broken = false;
        let inner: Vec<Token> =
            Lexer::new(&text[block.0..block.1]).map_while(Result::ok).map(|token| moved(token, block.0)).collect();
        reader::made(self, &inner);
        reader::block(self, &inner, block.1, None, Gives::Nothing);
        (self.all_numbered, self.procedural, self.conflict, self.fixed_path, self.broken) = around;
        self.frames = frames;
        self.numbered = numbered;
        self.levels = levels;
    }

    /// Names of relations, with commas between them.
    fn named_relations(&mut self, tokens: &[Token], mut at: usize) {
        let text = self.text;
        let name = |at: usize| tokens.get(at).and_then(|token| token.name(text));
        let symbol = |at: usize, byte: u8| tokens.get(at).is_some_and(|token| token.kind == TokenKind::Symbol(byte));
        loop {
            at += usize::from(tokens.get(at).is_some_and(|token| token.is(text, "only")));
            let Some(first) = name(at) else { return };
            let second = name(at + 2).filter(|_| symbol(at + 1, b'.'));
            let last = if second.is_some() { at + 2 } else { at };
            let place = (tokens[at].start, tokens[last].end);
            match second {
                Some(second) => self.relation_named(place, Some(&first), &second),
                None => self.relation_named(place, None, &first),
            };
            at = last + 1;
            at += usize::from(symbol(at, b'*'));
            if !symbol(at, b',') {
                return;
            }
            at += 1;
        }
    }
}

/// A token of a part of a text, in the whole.
fn moved(token: Token, by: usize) -> Token {
    Token { start: token.start + by, end: token.end + by, ..token }
}

impl Reader<'_, '_> {
    /// Reads a whole block, and says whether it could; what cannot be read is taken word for word.
    pub(super) fn whole(&mut self, end: usize) -> bool {
        let read = self.outer_block().is_some();
        if read {
            self.ends_with_a_value();
        } else {
            self.walk.out.unread = true;
            let start = self.tokens.get(self.at).map_or(end, |token| token.start);
            self.walk.words(start.min(end), end);
        }
        read
    }
}
