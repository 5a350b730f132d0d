//! What stands in `from`, and behind `update`, where sqlparser does not read it: words that say which rows of a table are
//! meant, and tables that are queries by themselves.

use crate::mend::{Reader, said};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

impl Reader<'_> {
    /// `t *` in `from` and behind `update`: the table and what inherits from it, as without the star.
    pub(crate) fn heirs(&mut self, n: usize) {
        let mut at = n;
        while at > 1 && matches!(self.token(at - 1), Token::Word(_)) && self.symbol(at - 2, &Token::Period) {
            at -= 2;
        }
        let Some(before) = at.checked_sub(2).filter(|_| matches!(self.token(at - 1), Token::Word(_))) else { return };
        let names_table = self.is_any(before, &["update", "join"])
            || self.is_any(before, &["from", "using"]) && self.is_in_query(before);
        if names_table {
            self.drop(n..n + 1);
        }
    }

    /// Whether a query stands in the same parentheses before it: `extract(year from a * b)` has none.
    fn is_in_query(&self, before: usize) -> bool {
        let mut depth = 0usize;
        let mut within = (0..before).rev().take_while(|at| match self.token(*at) {
            Token::RParen => {
                depth += 1;
                true
            }
            Token::LParen if depth == 0 => false,
            Token::LParen => {
                depth -= 1;
                true
            }
            _ => true,
        });
        within.any(|at| self.is_any(at, &["select", "delete", "update"]))
    }

    /// Whether the comma stands between tables of `from`.
    fn is_listed_table(&self, comma: usize) -> bool {
        let mut depth = 0usize;
        for at in (0..comma).rev() {
            match self.token(at) {
                Token::RParen => depth += 1,
                Token::LParen if depth == 0 => return false,
                Token::LParen => depth -= 1,
                Token::Word(_) if depth > 0 => {}
                Token::Word(_) if self.is(at, "from") => return self.is_in_query(at),
                Token::Word(_)
                    if self.is_any(at, &["select", "where", "by", "having", "set", "values", "returning"]) =>
                {
                    return false;
                }
                _ => {}
            }
        }
        false
    }

    /// `from extract(year from a) as y`: what has a form of its own in the grammar is selected in a query of one value.
    pub(crate) fn formed(&mut self, n: usize) {
        let joined = n > 0
            && match self.token(n - 1) {
                Token::Comma => self.is_listed_table(n - 1),
                _ => self.is_any(n - 1, &["join", "lateral"]) || self.is(n - 1, "from") && self.is_in_query(n - 1),
            };
        let end = self.closed(n + 1);
        if !joined || !self.symbol(n + 1, &Token::LParen) || end >= self.seen.len() {
            return;
        }
        let mut query = vec![Token::LParen, said("select", Keyword::SELECT), self.token(n).clone()];
        if !self.is(n - 1, "lateral") {
            query.insert(0, said("lateral", Keyword::LATERAL));
        }
        self.instead.push((n, query));
        let name = crate::marks::token(crate::marks::FORM);
        self.instead.push((end, vec![Token::RParen, said("as", Keyword::AS), name, Token::RParen]));
    }

    /// `from only t`, `only (t)`
    pub(crate) fn only(&mut self, n: usize) {
        if n > 0 && self.is_any(n - 1, &["row", "rows"]) {
            return;
        }
        if matches!(self.token(n + 1), Token::Word(_)) {
            return self.drop(n..n + 1);
        }
        let dotted = if self.symbol(n + 3, &Token::Period) { 2 } else { 0 };
        if self.symbol(n + 1, &Token::LParen) && self.symbol(n + 3 + dotted, &Token::RParen) {
            self.drop(n..n + 2);
            self.drop(n + 3 + dotted..n + 4 + dotted);
        }
    }

    /// `table t` where a query stands: `select * from t`.
    pub(crate) fn table(&mut self, n: usize) {
        let begins = match n.checked_sub(1) {
            None => true,
            Some(before) => {
                matches!(self.token(before), Token::SemiColon | Token::LParen)
                    || self.is_any(before, &["union", "except", "intersect", "all"])
            }
        };
        if begins && matches!(self.token(n + 1), Token::Word(_)) {
            let star = vec![said("select", Keyword::SELECT), Token::Mul, said("from", Keyword::FROM)];
            self.instead.push((n, star));
        }
    }

    /// `lateral current_date`: a value of the session depends on no other row.
    pub(crate) fn lateral(&mut self, n: usize) {
        let Token::Word(word) = self.token(n + 1) else { return };
        let grammar = specc_facts::grammar(&word.value.to_ascii_lowercase());
        if word.quote_style.is_none() && grammar.is_some_and(|grammar| grammar.value.is_some()) {
            self.drop(n..n + 1);
        }
    }

    /// `rows from (f(1), g(2)) as r (a, b)`: a function whose arguments are these. What says its columns itself is left
    /// as it is.
    pub(crate) fn rows_from(&mut self, n: usize) {
        let opens = n + 2;
        let end = self.closed(opens);
        let says_columns = (opens..end).any(|at| self.is(at, "as"));
        if n > 0 && self.is(n + 1, "from") && self.symbol(opens, &Token::LParen) && !says_columns {
            self.instead.push((n, vec![crate::marks::token(crate::marks::ROWS_FROM)]));
            self.drop(n + 1..n + 2);
        }
    }
}
