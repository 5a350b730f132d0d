//! Tokens, put right where the tokenizer cuts them differently from Postgres, and where sqlparser does not read what they
//! say: words that name nothing are left out, and the rest is said in a form that it reads. Every token that names
//! something keeps its place.

use crate::marks::{JOIN_ALIAS, ROW_STAR};
use crate::place;
use crate::worded::is_worded;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

/// Stands for the zone of `at local`, as a placeholder in a formula.
pub const LOCAL: &str = "local";

/// Puts right what the tokenizer cuts differently from Postgres.
pub(crate) fn joined(text: &str, mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    if text.contains("<+>") {
        let mut at = 0;
        while at + 2 < tokens.len() {
            if let [Token::Lt, Token::Plus, Token::Gt] = [0, 1, 2].map(|n| &tokens[at + n].token)
                && tokens[at].span.end == tokens[at + 1].span.start
                && tokens[at + 1].span.end == tokens[at + 2].span.start
            {
                tokens[at].token = Token::CustomBinaryOperator("<+>".into());
                tokens[at].span.end = tokens[at + 2].span.end;
                tokens.drain(at + 1..at + 3);
            }
            at += 1;
        }
    }
    // To Postgres these are functions like others, and authors may have some of that name.
    for token in &mut tokens {
        if let Token::Word(word) = &mut token.token
            && matches!(word.keyword, Keyword::FLOOR | Keyword::CEIL)
        {
            word.keyword = Keyword::NoKeyword;
        }
    }
    if text.contains("&'") {
        crate::unicode::join(text, &mut tokens);
    }
    if ["0o", "0O", "0b", "0B", "0X"].iter().any(|prefix| text.contains(prefix)) {
        let mut at = 0;
        while at + 1 < tokens.len() {
            if let [Token::Number(zero, false), Token::Word(digits)] = [0, 1].map(|n| &tokens[at + n].token)
                && zero == "0"
                && digits.value.starts_with(['o', 'O', 'b', 'B', 'X'])
                && tokens[at].span.end == tokens[at + 1].span.start
            {
                tokens[at].token = Token::Number(format!("0{}", digits.value), false);
                tokens[at].span.end = tokens[at + 1].span.end;
                tokens.remove(at + 1);
            }
            at += 1;
        }
    }
    if text.contains("0x") || text.contains("0X") {
        for token in &mut tokens {
            if let Token::HexStringLiteral(digits) = &token.token
                && let Some((start, end)) = place::bytes(text, token.span)
                && text[start..end].starts_with('0')
            {
                token.token = Token::Number(format!("0x{digits}"), false);
            }
        }
    }
    tokens
}

/// The tokens as sqlparser reads them.
pub(crate) fn mended(tokens: Vec<TokenWithSpan>, reading: Reading) -> Vec<TokenWithSpan> {
    match Reader::of(&tokens) {
        Some(mut reader) => {
            reader.marks = reading == Reading::Marked;
            reader.formula = reading == Reading::Formula;
            reader.read()
        }
        None => tokens,
    }
}

/// What becomes of a tree.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It is looked through for names.
    Plain,
    /// It is looked through by who knows the marks.
    Marked,
    /// It is printed.
    Formula,
}

/// Words that begin something that is said otherwise.
const MENDED: &[&str] = &[
    "exclude",
    "lateral",
    "rows",
    "extract",
    "position",
    "substring",
    "trim",
    "overlay",
    "normalize",
    "national",
    "nchar",
    "select",
    "using",
    "for",
    "only",
    "table",
    "grouping",
    "overriding",
    "insert",
    "fetch",
    "group",
    "local",
    "operator",
    "similar",
    "collation",
    "search",
    "cycle",
    "returning",
    "update",
    "from",
    "join",
    "set",
];

/// Goes through the tokens once and makes the list that sqlparser reads.
pub(crate) struct Reader<'t> {
    tokens: &'t [TokenWithSpan],
    /// Those that are no space and no comment.
    pub(crate) seen: Vec<usize>,
    /// By the place in `seen`: what stands there instead.
    pub(crate) instead: Vec<(usize, Vec<Token>)>,
    /// What sqlparser cannot say is said with names that no author writes ([`crate::marks`]).
    pub(crate) marks: bool,
    /// The tree is printed: what is left out has to be printed from the text.
    formula: bool,
}

impl<'t> Reader<'t> {
    /// None where nothing is said otherwise.
    fn of(tokens: &'t [TokenWithSpan]) -> Option<Self> {
        let has_star = || tokens.windows(2).any(|pair| pair[0].token == Token::Period && pair[1].token == Token::Mul);
        let is_mended = |token: &TokenWithSpan| {
            matches!(token.token, Token::Word(_))
                && MENDED.iter().chain(specc_facts::worded()).any(|word| is(&token.token, word))
        };
        if !tokens.iter().any(is_mended) && !has_star() {
            return None;
        }
        let seen = (0..tokens.len()).filter(|at| !matches!(tokens[*at].token, Token::Whitespace(_))).collect();
        Some(Self { tokens, seen, instead: Vec::new(), marks: false, formula: false })
    }

    pub(crate) fn token(&self, n: usize) -> &'t Token {
        self.seen.get(n).map_or(&Token::EOF, |at| &self.tokens[*at].token)
    }

    pub(crate) fn is(&self, n: usize, word: &str) -> bool {
        is(self.token(n), word)
    }

    pub(crate) fn is_any(&self, n: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(n, word))
    }

    pub(crate) fn symbol(&self, n: usize, symbol: &Token) -> bool {
        self.token(n) == symbol
    }

    pub(crate) fn drop(&mut self, range: std::ops::Range<usize>) {
        let there = range.start..range.end.min(self.seen.len());
        self.instead.extend(there.map(|n| (n, Vec::new())));
    }

    fn read(&mut self) -> Vec<TokenWithSpan> {
        for n in 0..self.seen.len() {
            if self.symbol(n, &Token::Mul) {
                self.star(n);
                self.heirs(n);
            }
            let Token::Word(word) = self.token(n) else { continue };
            if word.quote_style.is_some() {
                continue;
            }
            match &*word.value.to_ascii_lowercase() {
                name if is_worded(name) => self.worded(n, name),
                "exclude" => self.exclude(n),
                "using" => self.using(n),
                "collation" if self.is(n + 1, "for") && self.symbol(n + 2, &Token::LParen) => {
                    self.instead.push((n, vec![said("pg_collation_for", Keyword::NoKeyword)]));
                    self.drop(n + 1..n + 2);
                }
                "for" => self.lock(n),
                "only" => self.only(n),
                "table" => self.table(n),
                "grouping" if self.is(n + 1, "sets") => self.sets(n + 2),
                "overriding" if self.is_any(n + 1, &["user", "system"]) && self.is(n + 2, "value") => {
                    self.overriding(n);
                }
                "insert" if self.is(n + 1, "into") => self.inserted(n + 2),
                "group" if self.is(n + 1, "by") && self.is_any(n + 2, &["all", "distinct"]) => self.drop(n + 2..n + 3),
                "local" if n > 1 && self.is(n - 1, "at") => self.local(n),
                "operator" if self.symbol(n + 1, &Token::LParen) => self.sign(n),
                "similar" if n > 1 && !self.is(n + 1, "to") && !self.is_any(n - 1, &["not"]) => self.similar(n),
                "fetch" if self.is_any(n + 1, &["first", "next"]) => self.fetch(n),
                "lateral" if matches!(self.token(n + 1), Token::Word(_)) && !self.symbol(n + 2, &Token::LParen) => {
                    self.lateral(n);
                }
                "national" if self.is_any(n + 1, &["character", "char"]) => self.drop(n..n + 1),
                "nchar" if matches!(self.token(n + 1), Token::SingleQuotedString(_)) => {
                    self.instead.push((n, vec![said("char", Keyword::CHAR)]));
                }
                "select"
                    if n > 1
                        && self.is(n - 2, "exists")
                        && self.symbol(n - 1, &Token::LParen)
                        && self.symbol(n + 1, &Token::RParen) =>
                {
                    self.instead.push((n, vec![self.token(n).clone(), said("null", Keyword::NULL)]));
                }
                "rows" if self.marks || self.formula => self.rows_from(n),
                "extract" | "position" | "substring" | "trim" | "overlay" | "normalize" if self.marks => self.formed(n),
                "search" | "cycle" if self.marks || self.formula => self.added_columns(n),
                "returning" if self.marks => self.returned_rows(n),
                "set" => self.set_elements(n + 1),
                _ => {}
            }
        }
        self.instead.sort_by_key(|(n, _)| *n);
        self.instead.dedup_by_key(|(n, _)| *n);
        let mut instead =
            std::mem::take(&mut self.instead).into_iter().map(|(n, with)| (self.seen[n], with)).peekable();
        let mut out = Vec::with_capacity(self.tokens.len());
        for (at, token) in self.tokens.iter().enumerate() {
            match instead.next_if(|(other, _)| *other == at) {
                Some((_, with)) => {
                    out.extend(with.into_iter().map(|made| TokenWithSpan { token: made, span: token.span }))
                }
                None => out.push(token.clone()),
            }
        }
        out
    }

    /// Which rows a window's frame leaves out.
    fn exclude(&mut self, n: usize) {
        if n == 0 || !self.is_any(n - 1, &["row", "preceding", "following"]) {
            return;
        }
        let two =
            self.is(n + 1, "current") && self.is(n + 2, "row") || self.is(n + 1, "no") && self.is(n + 2, "others");
        if two {
            self.drop(n..n + 3);
        } else if self.is_any(n + 1, &["ties", "group"]) {
            self.drop(n..n + 2);
        }
    }

    /// `join … using (a, b) as alias`: the alias is put into the list of columns.
    fn using(&mut self, n: usize) {
        if !self.symbol(n + 1, &Token::LParen) || self.is_any(n + 2, &["select", "with", "values", "table"]) {
            return;
        }
        let mut at = n + 2;
        while matches!(self.token(at), Token::Word(_)) && self.symbol(at + 1, &Token::Comma) {
            at += 2;
        }
        let closed = matches!(self.token(at), Token::Word(_)) && self.symbol(at + 1, &Token::RParen);
        let Token::Word(alias) = self.token(at + 3) else { return };
        if closed && self.is(at + 2, "as") {
            let mark = Word { value: JOIN_ALIAS.into(), quote_style: Some('"'), keyword: Keyword::NoKeyword };
            self.instead.push((at + 1, vec![Token::Comma, Token::Word(mark), Token::Period]));
            self.instead.push((at + 2, vec![]));
            self.instead.push((at + 3, vec![Token::Word(alias.clone()), Token::RParen]));
        }
    }

    /// `for no key update of a, b`: a clause for each table, of the kinds that sqlparser knows.
    fn lock(&mut self, n: usize) {
        let kind = match () {
            () if self.is_any(n + 1, &["update", "share"]) => n + 1,
            () if self.is(n + 1, "key") && self.is(n + 2, "share") => n + 2,
            () if self.is(n + 1, "no") && self.is(n + 2, "key") && self.is(n + 3, "update") => n + 3,
            () => return,
        };
        self.drop(n + 1..kind);
        if !self.is(kind + 1, "of") {
            return;
        }
        let again = [n, kind, kind + 1].map(|n| self.token(n).clone());
        let mut at = kind + 2;
        while self.symbol(at + 1, &Token::Comma) && matches!(self.token(at + 2), Token::Word(_)) {
            self.instead.push((at + 1, again.to_vec()));
            at += 2;
        }
    }

    /// `cube (…)`, `rollup (…)` and `grouping sets (…)` within `grouping sets (…)`: the same columns in parentheses.
    fn sets(&mut self, opens: usize) {
        let end = self.closed(opens);
        for at in opens + 1..end {
            if self.is_any(at, &["cube", "rollup"]) && self.symbol(at + 1, &Token::LParen) {
                self.drop(at..at + 1);
            } else if self.is(at, "grouping") && self.is(at + 1, "sets") && self.symbol(at + 2, &Token::LParen) {
                // Its sets are sets of the outer one.
                self.drop(at..at + 3);
                let closes = self.closed(at + 2);
                self.drop(closes..closes + 1);
            }
        }
    }

    /// `(row).*`, `(row).field.*`: every field of what is no table of the query.
    fn star(&mut self, n: usize) {
        let dot_before = |at: usize| at > 1 && self.symbol(at - 1, &Token::Period);
        let mut at = n;
        while dot_before(at) && (at == n || matches!(self.token(at), Token::Word(_))) {
            at -= 2;
        }
        if at < n && matches!(self.token(at), Token::RParen | Token::RBracket) {
            let star = Word { value: ROW_STAR.into(), quote_style: Some('"'), keyword: Keyword::NoKeyword };
            self.instead.push((n, vec![Token::Word(star)]));
        }
    }

    /// `fetch first (n + 1) rows only`: sqlparser takes only a number there, and `limit` takes all.
    fn fetch(&mut self, n: usize) {
        let end = match self.token(n + 2) {
            Token::LParen => self.closed(n + 2),
            Token::Word(_) if !self.is_any(n + 2, &["row", "rows"]) => n + 2,
            _ => return,
        };
        if self.is_any(end + 1, &["row", "rows"]) {
            let words = if self.is(end + 2, "with") { 3 } else { 2 };
            let limit = Word { value: "limit".into(), quote_style: None, keyword: Keyword::LIMIT };
            self.instead.push((n, vec![Token::Word(limit)]));
            self.drop(n + 1..n + 2);
            self.drop(end + 1..end + 1 + words);
        }
    }

    /// `at local` is `at time zone` with the zone of the session.
    fn local(&mut self, n: usize) {
        let zone = match self.formula {
            true => Token::Placeholder(LOCAL.into()),
            false => Token::SingleQuotedString(LOCAL.into()),
        };
        self.instead.push((n, vec![said("time", Keyword::TIME), said("zone", Keyword::ZONE), zone]));
    }

    /// `operator(pg_catalog.-) a`: sqlparser reads it between two operands only.
    fn sign(&mut self, n: usize) {
        let operand_before = n.checked_sub(1).is_some_and(|before| match self.token(before) {
            Token::RParen | Token::RBracket | Token::Number(..) | Token::SingleQuotedString(_) => true,
            Token::Word(word) => {
                let value = word.value.to_lowercase();
                let is_value = matches!(&*value, "null" | "true" | "false" | "end")
                    || specc_facts::grammar(&value).is_some_and(|grammar| grammar.value.is_some());
                word.quote_style.is_some() || is_value || !specc_facts::needs_quotes(&value)
            }
            _ => false,
        });
        let end = self.closed(n + 1);
        let own = end == n + 3 || end == n + 5 && self.is(n + 2, "pg_catalog") && self.symbol(n + 3, &Token::Period);
        if !operand_before && own {
            self.drop(n..end - 1);
            self.drop(end..end + 1);
        }
    }

    /// `substring(a similar b escape c)` is `substring(a from b for c)`.
    fn similar(&mut self, n: usize) {
        let mut depth = 0usize;
        let Some(opens) = (0..n).rev().find(|at| {
            match self.token(*at) {
                Token::RParen => depth += 1,
                Token::LParen if depth == 0 => return true,
                Token::LParen => depth -= 1,
                _ => {}
            }
            false
        }) else {
            return;
        };
        let end = self.closed(opens);
        let escape = (n + 1..end).rev().find(|at| self.is(*at, "escape"));
        if let (true, Some(escape)) = (opens > 0 && self.is(opens - 1, "substring"), escape) {
            self.instead.push((n, vec![said("from", Keyword::FROM)]));
            self.instead.push((escape, vec![said("for", Keyword::FOR)]));
        }
    }

    /// Elements in the list of columns of an insert: `insert into t (a[1], b)`.
    fn inserted(&mut self, n: usize) {
        let mut at = n;
        while !self.symbol(at, &Token::LParen) {
            if !matches!(self.token(at), Token::Word(_) | Token::Period)
                || self.is_any(at, &["select", "values", "with"])
            {
                return;
            }
            at += 1;
        }
        if self.is_any(at + 1, &["select", "values", "with", "table"]) {
            return;
        }
        let end = self.closed(at);
        let mut n = at + 1;
        while n < end {
            if self.symbol(n, &Token::LBracket) {
                let closes = self.bracket_closed(n).min(end.saturating_sub(1));
                let last = !matches!(self.token(closes + 1), Token::LBracket | Token::Period);
                match self.marks && last {
                    true => self.element(n..closes + 1),
                    false => self.drop(n..closes + 1),
                }
                n = closes;
            }
            n += 1;
        }
    }

    /// Where the parenthesis is closed that opens here; where nothing opens, here.
    pub(crate) fn closed(&self, opens: usize) -> usize {
        let mut depth = 0usize;
        for at in opens..self.seen.len() {
            match self.token(at) {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return at;
            }
        }
        self.seen.len()
    }
}

/// A word that is put in place of others.
pub(crate) fn said(value: &str, keyword: Keyword) -> Token {
    Token::Word(Word { value: value.into(), quote_style: None, keyword })
}

fn is(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use specc_diag::{FileId, Span};

    #[test]
    fn forms_that_the_parser_does_not_know() {
        for text in [
            "select a from only t join only (public.u) as u using (a, b) as j order by a fetch first 2 rows only",
            "select a from t, u for no key update of t, u for key share of t skip locked",
            "table t union all (table u) order by 1",
            "select a from t group by grouping sets (cube (a, (b, c)), grouping sets ((a), rollup (b)), ())",
            "select sum(a) over (order by a groups 1 preceding exclude current row) from t",
            "select (a).*, (f(b)).*, (c.d[1]).e.* from t fetch first (a + 1) rows only",
            "select a from t offset 1 row fetch next n rows with ties",
            "select a from t group by distinct rollup (a, b), cube (c)",
            "select a at local, substring(a similar f(b) escape '#') from t where a not similar to b group by all a",
            "select operator(pg_catalog.-) a, a operator(pg_catalog.+) 1, (operator(-) b) from t where operator(-) a = 1",
            "with x as (update t set a = 1, b[1] = 2, c.d[f(b[1])][2] = b[1], (e, g) = (1, 2) where a[1] = 2) select a[1] = 2, b[1] = 3",
            "with x as (insert into t (a[1], b) overriding user value values (1, 2) returning a) select a from x",
        ] {
            assert!(crate::parse_query(text, Span::new(FileId(0), 0, text.len())).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_never_ends_is_an_error() {
        for text in [
            "select a from only (",
            "select a from t group by grouping sets (cube (a",
            "insert into t (a[1",
            "table",
            "for",
        ] {
            assert!(crate::parse_query(text, Span::new(FileId(0), 0, text.len())).is_err(), "{text}");
        }
    }
}
