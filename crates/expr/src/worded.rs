//! Forms of the grammar with words between their arguments, as `json_value(j, '$.a' returning int default 0 on empty)` and
//! `xmlelement(name a, b)`. They are read as calls with nothing but their arguments; a type becomes the type of a null. What
//! is printed is what the author wrote: see [`is_worded`].

use crate::mend::{Reader, said};
use sqlparser::ast::{CastKind, Expr, Value};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

/// Whether calls of this name may have words between their arguments, which the tree does not have.
pub fn is_worded(name: &str) -> bool {
    specc_facts::grammar(name).is_some_and(|form| form.has_words)
}

/// The type that such a call names for its result, as an argument.
pub fn is_named_type(argument: &Expr) -> bool {
    matches!(argument, Expr::Cast { kind: CastKind::Cast, expr, .. }
        if matches!(&**expr, Expr::Value(value) if value.value == Value::Null))
}

/// Clauses behind an argument that have no argument in them; `*` is any word.
const CLAUSES: [&str; 16] = [
    "null|error|true|false|unknown|absent on null|empty|error",
    "empty on empty|error",
    "empty array|object on empty|error",
    "on empty|error",
    "with|without wrapper",
    "with|without array wrapper",
    "with conditional|unconditional wrapper",
    "with conditional|unconditional array wrapper",
    "with|without unique",
    "with|without unique keys",
    "keep|omit quotes",
    "keep|omit quotes on scalar string",
    "format json",
    "format json encoding *",
    "preserve|strip whitespace",
    BY,
];
const BY: &str = "by ref|value";
/// Where `as` stands before a type.
const INDENTED: [&str; 2] = ["indent", "no indent"];
/// Where it stands before a name.
const NAMED: [&str; 1] = ["as *"];

impl Reader<'_> {
    /// Leaves the arguments of the form whose name is at `n`.
    pub(crate) fn worded(&mut self, n: usize, name: &str) {
        let opens = n + 1;
        if !self.symbol(opens, &Token::LParen) {
            return;
        }
        let end = self.closed(opens);
        let mut at = opens + 1;
        // sqlparser reads the word before `xmlparse`'s argument.
        if self.is_any(at, &["document", "content"]) && matches!(name, "xmlparse" | "xmlserialize") {
            self.drop(at..at + usize::from(name == "xmlserialize"));
            at += 1;
        }
        if self.is(at, "name") && matches!(name, "xmlelement" | "xmlpi") {
            let comma = usize::from(self.symbol(at + 2, &Token::Comma));
            self.drop(at..at + 2 + comma);
            at += 2 + comma;
        }
        // Where an operand begins: a word there is a name.
        let mut operand = at;
        while at < end {
            at = match self.token(at) {
                Token::LParen => self.closed(at) + 1,
                Token::LBracket => self.bracket_closed(at) + 1,
                Token::Comma => {
                    operand = at + 1;
                    self.version(at + 1, name)
                }
                Token::Colon if name.starts_with("json_object") => {
                    self.instead.push((at, vec![Token::Comma]));
                    operand = at + 1;
                    at + 1
                }
                Token::Word(word) if word.quote_style.is_none() && (at > operand || self.ends(at)) => {
                    let (next, begins) = self.words(at, end, name);
                    operand = if begins { next } else { operand };
                    next.max(at + 1)
                }
                _ => at + 1,
            };
        }
    }

    /// Whether a clause that ends the form begins here, though no operand came before: `json_array(returning jsonb)`.
    fn ends(&self, at: usize) -> bool {
        self.is(at, "returning") && !matches!(self.token(at + 1), Token::Comma | Token::RParen | Token::Period)
    }

    /// `version no value`, `standalone yes` behind a comma of `xmlroot`.
    fn version(&mut self, at: usize, name: &str) -> usize {
        if name != "xmlroot" || !self.is_any(at, &["version", "standalone"]) {
            return at;
        }
        let no_value = self.is(at + 1, "no") && self.is(at + 2, "value");
        let words = match (self.is(at, "version"), no_value) {
            (true, false) => {
                self.drop(at..at + 1);
                return at + 1;
            }
            (_, true) => 3,
            (false, false) => 2,
        };
        self.instead.push((at, vec![said("null", Keyword::NULL)]));
        self.drop(at + 1..at + words);
        at + words
    }

    /// How many words a clause has, if it stands here.
    fn says(&self, at: usize, clause: &str) -> Option<usize> {
        let mut words = clause.split(' ').enumerate();
        let all = words.clone().count();
        words.all(|(n, word)| word == "*" || word.split('|').any(|one| self.is(at + n, one))).then_some(all)
    }

    fn left_out(&mut self, at: usize, words: usize, begins: bool) -> (usize, bool) {
        self.drop(at..at + words);
        (at + words, begins)
    }

    /// Leaves out the words that begin at `at`, behind an operand. Gives where they end, `at` where they are none of the
    /// form's, and whether an operand begins there.
    fn words(&mut self, at: usize, end: usize, name: &str) -> (usize, bool) {
        let is = |word: &str| self.is(at, word);
        let typed = matches!(name, "treat" | "xmlserialize");
        let clauses = CLAUSES.iter().chain(if typed { &INDENTED[..] } else { &NAMED });
        if let Some(words) = clauses.filter_map(|clause| self.says(at, clause)).max() {
            return self.left_out(at, words, false);
        }
        if is("passing") || is("default") || is("value") && name.starts_with("json_object") {
            self.instead.push((at, vec![Token::Comma]));
            let by = self.says(at + 1, BY).unwrap_or(0);
            return self.left_out(at + 1, by, true);
        }
        match is("returning") || is("as") && typed {
            true => (self.named_type(at, end), false),
            false => (at, false),
        }
    }

    /// `returning int`: the type of a null that is an argument.
    fn named_type(&mut self, at: usize, end: usize) -> usize {
        let ends = |n: usize| {
            let clause = CLAUSES.iter().chain(&INDENTED).any(|clause| self.says(n, clause).is_some());
            clause || self.is(n, "default") || self.symbol(n, &Token::Comma)
        };
        let mut last = at + 1;
        while last + 1 < end && !ends(last + 1) {
            last = if self.symbol(last + 1, &Token::LParen) { self.closed(last + 1) } else { last + 1 };
        }
        if last >= end {
            return at;
        }
        let cast = [said("cast", Keyword::CAST), Token::LParen, said("null", Keyword::NULL), said("as", Keyword::AS)];
        // Nothing stands before it in `json_array(returning jsonb)`.
        let comma = (!self.symbol(at - 1, &Token::LParen)).then_some(Token::Comma);
        self.instead.push((at, comma.into_iter().chain(cast).collect()));
        self.instead.push((last, vec![self.token(last).clone(), Token::RParen]));
        last + 1
    }
}
