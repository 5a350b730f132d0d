//! What a plpgsql block names. sqlparser does not read plpgsql, so this goes by the words; it is right for what people
//! write and silent where it cannot tell (dynamic SQL).

use crate::parse;
use crate::references::{Name, References, fold, from_text};
use smol_str::SmolStr;
use sqlparser::tokenizer::{Token, Whitespace, Word};

/// What `body` names.
pub fn plpgsql_references(body: &str) -> References {
    let mut found = References::default();
    let Some(tokens) = parse::tokens(body) else {
        return found;
    };
    let tokens: Vec<Token> = tokens.into_iter().map(|t| t.token).filter(|t| !is_space(t)).collect();
    let mut reader = Reader { tokens: &tokens, found: &mut found, own: Vec::new(), begin: 0 };
    reader.begin = (0..tokens.len()).find(|i| reader.is(*i, "begin")).unwrap_or(0);
    reader.own_names();
    reader.read();
    found
}

fn is_space(token: &Token) -> bool {
    matches!(token, Token::Whitespace(Whitespace::Space | Whitespace::Tab | Whitespace::Newline))
        || matches!(token, Token::Whitespace(_))
}

struct Reader<'a> {
    tokens: &'a [Token],
    found: &'a mut References,
    /// Names of `with` queries.
    own: Vec<SmolStr>,
    /// Where the declarations end.
    begin: usize,
}

/// Words before a parenthesis that are not functions.
const NOT_CALLS: &[&str] = &[
    "and",
    "any",
    "all",
    "array",
    "as",
    "between",
    "by",
    "case",
    "check",
    "coalesce",
    "cube",
    "distinct",
    "else",
    "elsif",
    "end",
    "except",
    "exists",
    "filter",
    "for",
    "foreach",
    "from",
    "greatest",
    "group",
    "grouping",
    "having",
    "if",
    "ilike",
    "in",
    "intersect",
    "into",
    "is",
    "join",
    "key",
    "lateral",
    "least",
    "like",
    "limit",
    "loop",
    "not",
    "nullif",
    "numeric",
    "decimal",
    "varchar",
    "char",
    "character",
    "varying",
    "bit",
    "time",
    "timestamp",
    "timestamptz",
    "vector",
    "halfvec",
    "interval",
    "offset",
    "on",
    "only",
    "or",
    "over",
    "partition",
    "perform",
    "return",
    "returning",
    "rollup",
    "row",
    "select",
    "set",
    "sets",
    "some",
    "table",
    "then",
    "to",
    "trim",
    "union",
    "unique",
    "update",
    "using",
    "values",
    "when",
    "where",
    "while",
    "with",
    "within",
    "cast",
    "extract",
    "overlay",
    "position",
    "substring",
    "materialized",
    "conflict",
    "execute",
    "raise",
    "exception",
    "slice",
    "reverse",
    "symmetric",
    "typmod",
    "precision",
    "default",
    "insert",
];

impl Reader<'_> {
    /// The word at `at`, unquoted and in lowercase.
    fn word(&self, at: usize) -> Option<String> {
        match self.tokens.get(at)? {
            Token::Word(Word { value, quote_style: None, .. }) => Some(value.to_ascii_lowercase()),
            _ => None,
        }
    }

    fn is(&self, at: usize, word: &str) -> bool {
        matches!(self.tokens.get(at), Some(Token::Word(Word { value, quote_style: None, .. })) if value.eq_ignore_ascii_case(word))
    }

    /// A name with up to two parts at `at`, and what comes after it.
    fn name(&self, at: usize) -> Option<(Name, usize)> {
        let part = |at: usize| match self.tokens.get(at) {
            Some(Token::Word(w)) => Some(fold(&w.value, w.quote_style.is_some())),
            _ => None,
        };
        let first = part(at)?;
        if self.tokens.get(at + 1) == Some(&Token::Period)
            && let Some(second) = part(at + 2)
        {
            return Some(((Some(first), second), at + 3));
        }
        Some(((None, first), at + 1))
    }

    /// Collects `with x as (…), y as (…)`.
    fn own_names(&mut self) {
        for at in 0..self.tokens.len() {
            let start = self.is(at, "with") || self.is(at, "recursive") || self.tokens[at] == Token::Comma;
            let Some((name, mut next)) = self.name(at + 1).filter(|_| start) else {
                continue;
            };
            if self.tokens.get(next) == Some(&Token::LParen) {
                while next < self.tokens.len() && self.tokens[next] != Token::RParen {
                    next += 1;
                }
                next += 1;
            }
            if !self.is(next, "as") {
                continue;
            }
            next += 1;
            while self.is(next, "not") || self.is(next, "materialized") {
                next += 1;
            }
            if self.tokens.get(next) == Some(&Token::LParen) && name.0.is_none() {
                self.own.push(name.1);
            }
        }
    }

    fn read(&mut self) {
        // Inside `extract(…)` and its like, `from` is no clause.
        let mut special: Vec<bool> = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            match &self.tokens[at] {
                Token::LParen => {
                    let word = at.checked_sub(1).and_then(|b| self.word(b)).unwrap_or_default();
                    special.push(matches!(&*word, "extract" | "substring" | "trim" | "overlay" | "position"));
                }
                Token::RParen => drop(special.pop()),
                Token::DoubleColon => self.cast(at),
                Token::SingleQuotedString(text) => self.regclass(at, text),
                Token::Word(_) => {
                    let before = at.checked_sub(1).and_then(|b| self.word(b)).unwrap_or_default();
                    match self.word(at).as_deref() {
                        Some("from") if before != "distinct" && !special.last().is_some_and(|s| *s) => {
                            self.list(at + 1)
                        }
                        Some("join") => self.relation(at + 1),
                        Some("into") if matches!(&*before, "insert" | "merge") => self.relation(at + 1),
                        Some("using") if self.clause_of_delete_or_merge(at) => self.list(at + 1),
                        Some("truncate") => self.list(at + 1),
                        Some("update")
                            if !matches!(&*before, "for" | "do" | "before" | "after" | "or" | "on" | "key") =>
                        {
                            self.relation(at + 1)
                        }
                        _ => {}
                    }
                    self.call(at);
                    self.declared(at);
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// `using` after `delete from x` or `merge into x`, not the one of a join or of `execute`.
    fn clause_of_delete_or_merge(&self, at: usize) -> bool {
        let start = (0..at).rev().find(|i| self.tokens[*i] == Token::SemiColon).map_or(0, |i| i + 1);
        let words = || (start..at).filter_map(|i| self.word(i));
        words().any(|w| w == "delete" || w == "merge") && !words().any(|w| w == "join" || w == "execute")
    }

    /// Relations separated by commas, with their aliases.
    fn list(&mut self, mut at: usize) {
        loop {
            self.relation(at);
            while self.is(at, "only") || self.is(at, "lateral") || self.is(at, "table") {
                at += 1;
            }
            let Some((_, next)) = self.name(at) else {
                return;
            };
            at = next;
            if self.is(at, "as") {
                at += 1;
            }
            if matches!(self.tokens.get(at), Some(Token::Word(_))) && self.tokens.get(at + 1) == Some(&Token::Comma) {
                at += 1;
            }
            if self.tokens.get(at) != Some(&Token::Comma) {
                return;
            }
            at += 1;
        }
    }

    fn relation(&mut self, mut at: usize) {
        while self.is(at, "only") || self.is(at, "lateral") || self.is(at, "table") {
            at += 1;
        }
        let Some((name, next)) = self.name(at) else {
            return;
        };
        let call = self.tokens.get(next) == Some(&Token::LParen) && !self.is(at.wrapping_sub(1), "into");
        let word = name.0.is_none().then(|| self.word(at)).flatten().unwrap_or_default();
        if call || matches!(&*word, "select" | "new" | "old" | "values" | "set" | "unnest") {
            return;
        }
        if name.0.is_some() || !self.own.contains(&name.1) {
            self.found.relation(name);
        }
    }

    /// A call at `at`, unless the word is the second part of a name.
    fn call(&mut self, at: usize) {
        if at > 0 && self.tokens[at - 1] == Token::Period {
            return;
        }
        let Some((name, next)) = self.name(at) else {
            return;
        };
        if self.tokens.get(next) != Some(&Token::LParen) {
            return;
        }
        let target = at > 0 && self.is(at - 1, "into");
        let with = self.own.contains(&name.1) || self.is(at.wrapping_sub(1), "as");
        let keyword = name.0.is_none() && self.word(at).is_some_and(|w| NOT_CALLS.contains(&&*w));
        if !(target || keyword || name.0.is_none() && with) {
            self.found.function(name);
        }
    }

    fn cast(&mut self, at: usize) {
        if let Some((name, _)) = self.name(at + 1) {
            self.found.ty(name);
        }
    }

    /// `'public.s'::regclass`, `nextval('s')`
    fn regclass(&mut self, at: usize, text: &str) {
        let cast = self.tokens.get(at + 1) == Some(&Token::DoubleColon) && self.is(at + 2, "regclass");
        let sequence = at > 1
            && self.tokens[at - 1] == Token::LParen
            && self.word(at - 2).is_some_and(|w| specc_facts::takes_sequence(&w));
        if (cast || sequence)
            && let Some(name) = from_text(text)
        {
            self.found.relation(name);
        }
    }

    /// `v public.mood;`, `r events%rowtype;`, `n events.title%type;`
    fn declared(&mut self, at: usize) {
        let starts = at > 0 && (self.tokens[at - 1] == Token::SemiColon || self.is(at - 1, "declare"));
        if !starts || at >= self.begin {
            return;
        }
        let mut next = at + 1;
        if self.is(next, "constant") {
            next += 1;
        }
        let Some((name, mut after)) = self.name(next) else {
            return;
        };
        let third = self.tokens.get(after) == Some(&Token::Period);
        if third {
            after += 2;
        }
        match (self.tokens.get(after), self.word(after + 1).as_deref()) {
            (Some(Token::Mod), Some("rowtype")) => self.found.relation(name),
            (Some(Token::Mod), Some("type")) if third => self.found.relation(name),
            (Some(Token::Mod), Some("type")) => {
                if let Some(table) = name.0 {
                    self.found.relation((None, table));
                }
            }
            _ => self.found.ty(name),
        }
    }
}
