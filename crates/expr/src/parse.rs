//! Text to sqlparser's trees, with errors in the author's words.

use crate::dialect::SpecDialect;
use crate::mend::Reading;
use crate::{check, escapes, literal, mend, place};
use specc_diag::{Code, Diagnostic, Span, codes};
use specc_facts::LONGEST_NAME;
use sqlparser::ast::{Expr, Query, Statement};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError, ParserOptions};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};
use std::borrow::Cow;

/// Tokens of an expression; more are refused.
pub const MAX_EXPR_TOKENS: usize = 5_000;
/// Tokens of a query or of a body; more are refused.
pub const MAX_BODY_TOKENS: usize = 100_000;
/// How deep a tree may be.
pub const MAX_DEPTH: usize = 600;
/// What the parser may nest: each level of it is several of the tree.
const MAX_NESTING: usize = 120;
/// From here on a chain of operators could be deeper than the stack at hand.
const LONG: usize = 500;
const BIG_STACK: usize = 256 << 20;

/// Reads all of `text`, which stands `at`, as one expression.
pub fn parse_expr(text: &str, at: Span) -> Result<Expr, Diagnostic> {
    if let Some(simple) = literal::quick(text) {
        return Ok(simple);
    }
    if let Some((_, sql)) = crate::as_is_text(text) {
        return Ok(crate::as_is::tree(sql));
    }
    let source = Source { text, at, code: codes::BAD_EXPRESSION, max: MAX_EXPR_TOKENS, reading: Reading::Formula };
    source.read(|parser| {
        let expr = parser.parse_expr()?;
        Ok((check::expr(&expr), expr))
    })
}

/// Reads all of `text` as one query (a view's, for example); a final `;` may stand.
pub fn parse_query(text: &str, at: Span) -> Result<Query, Diagnostic> {
    query(text, at, Reading::Plain)
}

/// Like [`parse_query`], for who knows what the names mean by which is said what sqlparser's trees cannot say
/// ([`crate::added_columns`], [`crate::returned_row`]).
pub fn read_query(text: &str, at: Span) -> Result<Query, Diagnostic> {
    query(text, at, Reading::Marked)
}

fn query(text: &str, at: Span, reading: Reading) -> Result<Query, Diagnostic> {
    let source = Source { text, at, code: codes::BAD_SQL, max: MAX_BODY_TOKENS, reading };
    source.read(|parser| {
        let query = parser.parse_query()?;
        while parser.consume_token(&Token::SemiColon) {}
        Ok((check::node(&*query), *query))
    })
}

/// Reads `text` as statements, the body of an SQL function.
pub fn parse_statements(text: &str, at: Span) -> Result<Vec<Statement>, Diagnostic> {
    statements(text, at, Reading::Plain)
}

/// Like [`parse_statements`], as [`read_query`] is like [`parse_query`].
pub fn read_statements(text: &str, at: Span) -> Result<Vec<Statement>, Diagnostic> {
    statements(text, at, Reading::Marked)
}

fn statements(text: &str, at: Span, reading: Reading) -> Result<Vec<Statement>, Diagnostic> {
    let source = Source { text, at, code: codes::BAD_SQL, max: MAX_BODY_TOKENS, reading };
    source.read(|parser| {
        let statements = parser.parse_statements()?;
        Ok((check::node(&statements), statements))
    })
}

/// `text`, cut into tokens. `None` where that cannot be done.
pub(crate) fn tokens(text: &str) -> Option<Vec<TokenWithSpan>> {
    Some(mend::joined(text, tokenized(text, None).ok()?))
}

/// Why `text` cannot be cut into tokens.
enum Uncut {
    Error(String, Option<usize>),
    Escape(escapes::Wrong),
}

/// `text`, cut into tokens as the tokenizer does, and as Postgres does where it reads more.
fn tokenized(text: &str, max: Option<usize>) -> Result<Vec<TokenWithSpan>, Uncut> {
    let mut changed = Cow::Borrowed(text);
    let mut left = max.unwrap_or(MAX_BODY_TOKENS);
    loop {
        let tokens = Tokenizer::new(&SpecDialect, &changed).with_unescape(true).tokenize_with_location();
        let error = match tokens {
            Ok(tokens) => return escapes::zero(text, &tokens).map_or(Ok(tokens), |wrong| Err(Uncut::Escape(wrong))),
            Err(error) => error,
        };
        let at = place::byte(&changed, error.location);
        left -= 1;
        match at.map(|at| escapes::plainly(&changed, at)) {
            Some(Ok(Some(plain))) if left > 0 => changed = Cow::Owned(plain),
            Some(Err(wrong)) => return Err(Uncut::Escape(wrong)),
            _ => return Err(Uncut::Error(error.message, at)),
        }
    }
}

struct Source<'a> {
    text: &'a str,
    at: Span,
    code: Code,
    max: usize,
    reading: Reading,
}

impl Source<'_> {
    fn read<T: Send>(
        &self,
        parse: impl Fn(&mut Parser) -> Result<(Result<(), check::Refused>, T), ParserError> + Sync,
    ) -> Result<T, Diagnostic> {
        let tokens = match tokenized(self.text, Some(self.max)) {
            Ok(tokens) => mend::mended(mend::joined(self.text, tokens), self.reading),
            Err(Uncut::Error(message, at)) => return Err(self.token_error(&message, at)),
            Err(Uncut::Escape((start, end, message, help))) => {
                let span = self.at.part_of(self.text, start, end);
                return Err(Diagnostic::new(codes::BAD_CHARACTER, span, message).help(help));
            }
        };
        if tokens.len() > self.max {
            let message = format!("{} tokens in one text are more than the {} allowed", tokens.len(), self.max);
            return Err(
                Diagnostic::new(codes::TOO_DEEP, self.at, message).help("split it, or put parts into functions")
            );
        }
        if let Some(found) = self.bad_name(&tokens) {
            return Err(found);
        }
        let run = || {
            let mut parser = Parser::new(&SpecDialect)
                .with_options(ParserOptions::new().with_unescape(true))
                .with_recursion_limit(MAX_NESTING)
                .with_tokens_with_locations(tokens.clone());
            match parse(&mut parser) {
                Err(error) => Err(self.error(error, &tokens)),
                Ok((checked, tree)) => match parser.peek_token() {
                    TokenWithSpan { token: Token::EOF, .. } => match checked {
                        Ok(()) => Ok(tree),
                        Err(refused) => Err(self.refused(refused)),
                    },
                    found => Err(self.left_over(&found, &tokens)),
                },
            }
        };
        if tokens.len() <= LONG {
            return run();
        }
        // What is refused is dropped over there, too.
        #[expect(clippy::disallowed_methods, reason = "a deep tree needs a larger stack")]
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(BIG_STACK).spawn_scoped(scope, run);
            match thread.map(|t| t.join()) {
                Ok(Ok(result)) => result,
                _ => Err(self.too_deep()),
            }
        })
    }

    /// A name that Postgres refuses, or cuts without a word.
    fn bad_name(&self, tokens: &[TokenWithSpan]) -> Option<Diagnostic> {
        let word = |token: &TokenWithSpan| match &token.token {
            Token::Word(word) => Some((word.value.len(), word.quote_style.is_some())),
            _ => None,
        };
        let is_bad = |(length, quoted): (usize, bool)| quoted && length == 0 || length > LONGEST_NAME;
        let index = tokens.iter().position(|token| word(token).is_some_and(is_bad))?;
        let at = self.token_span(tokens, index);
        Some(match word(&tokens[index]) {
            Some((0, _)) => Diagnostic::new(self.code, at, "a name in quotes has at least one character")
                .help("write the name; an empty text is `''`"),
            _ => {
                let written = self.written(tokens, index).unwrap_or_default();
                Diagnostic::new(codes::NAME_TOO_LONG, at, format!("`{written}` is longer than {LONGEST_NAME} bytes"))
                    .help(format!("use at most {LONGEST_NAME} bytes: Postgres cuts the rest off"))
            }
        })
    }

    fn too_deep(&self) -> Diagnostic {
        Diagnostic::new(codes::TOO_DEEP, self.at, "this is nested too deeply")
            .help("name parts of it: a predicate, a function or a generated column")
    }

    fn refused(&self, refused: check::Refused) -> Diagnostic {
        match refused {
            check::Refused::TooDeep => self.too_deep(),
            check::Refused::NotPostgres(what, help, area) => {
                let at = place::bytes(self.text, area).map_or(self.at, |(s, e)| self.at.part_of(self.text, s, e));
                Diagnostic::new(self.code, at, what).help(help)
            }
        }
    }

    /// An error at byte `start`, over the token there.
    fn token_error(&self, message: &str, start: Option<usize>) -> Diagnostic {
        let start = start.unwrap_or(0).min(self.text.len());
        let lower = message.to_lowercase();
        let (code, what) = if lower.contains("unterminated") || lower.contains("eof while in") {
            let what = if lower.contains("comment") {
                "this comment never ends"
            } else if lower.contains("delimited") || lower.contains("expected close delimiter") {
                "this quoted name never ends"
            } else {
                "this string never ends"
            };
            (codes::UNCLOSED, what.to_string())
        } else if lower.contains("close delimiter") {
            (codes::UNCLOSED, "this quoted name never ends".to_string())
        } else {
            (self.code, format!("this cannot be read as SQL: {}", lower.trim_end_matches('.')))
        };
        Diagnostic::new(code, self.at.part_of(self.text, start, self.text.len()), what)
    }

    fn error(&self, error: ParserError, tokens: &[TokenWithSpan]) -> Diagnostic {
        let message = match error {
            ParserError::RecursionLimitExceeded => return self.too_deep(),
            ParserError::TokenizerError(m) | ParserError::ParserError(m) => m,
        };
        let (message, location) = split_location(&message);
        let index = location.and_then(|at| tokens.iter().position(|t| (t.span.start.line, t.span.start.column) == at));
        let index = index.unwrap_or(tokens.len());
        let Some((expected, _)) = message.strip_prefix("Expected: ").and_then(|m| m.rsplit_once(", found: ")) else {
            let message = message.trim_end_matches('.').trim_start_matches("sql parser error: ");
            let at = self.token_span(tokens, index);
            return Diagnostic::new(self.code, at, format!("this is not SQL: {}", lower_first(message)));
        };
        self.expected(&wanted(expected), tokens, index)
    }

    fn left_over(&self, found: &TokenWithSpan, tokens: &[TokenWithSpan]) -> Diagnostic {
        let index = tokens.iter().position(|t| t.span == found.span).unwrap_or(tokens.len());
        let word = self.written(tokens, index).unwrap_or_default();
        if matches!(found.token, Token::RParen | Token::RBracket) {
            let at = self.token_span(tokens, index);
            return Diagnostic::new(self.code, at, format!("`{word}` closes nothing"));
        }
        self.expected("an operator", tokens, index)
    }

    /// "expected … after `…`", at the token with this index.
    fn expected(&self, what: &str, tokens: &[TokenWithSpan], index: usize) -> Diagnostic {
        let before = (0..index.min(tokens.len())).rev().find(|i| !matches!(tokens[*i].token, Token::Whitespace(_)));
        let previous = before.and_then(|i| self.written(tokens, i));
        let found = self.written(tokens, index);
        let mut message = match previous {
            Some(word) => format!("expected {what} after `{word}`"),
            None => format!("expected {what}"),
        };
        if let Some(found) = found {
            message.push_str(&format!(", found `{found}`"));
        }
        let at = if found.is_some() {
            self.token_span(tokens, index)
        } else {
            before.map_or(self.at, |i| self.token_span(tokens, i))
        };
        let mut words =
            tokens[..index.min(tokens.len())].iter().rev().filter(|t| !matches!(t.token, Token::Whitespace(_)));
        let after_exists = words.any(|t| matches!(&t.token, Token::Word(w) if w.keyword == Keyword::EXISTS));
        let mut help = found.and_then(|f| advice(f, what));
        if after_exists && matches!(what, "`(`" | "`select`, `values` or `with`" | "a name") {
            help = Some("write `exists path (condition)` or `exists (select …)`");
        }
        let mut diagnostic = Diagnostic::new(self.code, at, message).maybe_help(help.map(str::to_string));
        if matches!(what, "`)`" | "`]`")
            && found.is_none()
            && let Some(open) = unclosed(tokens)
        {
            diagnostic = diagnostic.also(self.token_span(tokens, open), "never closed");
        }
        diagnostic
    }

    /// The text of a token, shortened.
    fn written(&self, tokens: &[TokenWithSpan], index: usize) -> Option<&str> {
        let (start, end) = place::bytes(self.text, tokens.get(index)?.span)?;
        let line = self.text[start..end].lines().next().unwrap_or("");
        Some(line.char_indices().nth(40).map_or(line, |(cut, _)| &line[..cut]))
    }

    fn token_span(&self, tokens: &[TokenWithSpan], index: usize) -> Span {
        let area = tokens.get(index).and_then(|t| place::bytes(self.text, t.span));
        area.map_or(self.at, |(start, end)| self.at.part_of(self.text, start, end))
    }
}

/// The message without its place, and the place.
fn split_location(message: &str) -> (&str, Option<(u64, u64)>) {
    let Some((head, tail)) = message.rsplit_once(" at Line: ") else {
        return (message, None);
    };
    let Some((line, column)) = tail.split_once(", Column: ") else {
        return (message, None);
    };
    match (line.parse(), column.trim().parse()) {
        (Ok(line), Ok(column)) => (head, Some((line, column))),
        _ => (message, None),
    }
}

/// The innermost parenthesis or bracket that stays open.
fn unclosed(tokens: &[TokenWithSpan]) -> Option<usize> {
    let mut open = Vec::new();
    for (i, t) in tokens.iter().enumerate() {
        match t.token {
            Token::LParen | Token::LBracket => open.push(i),
            Token::RParen | Token::RBracket => drop(open.pop()),
            _ => {}
        }
    }
    open.pop()
}

/// sqlparser's name for what it wanted, in plain words.
fn wanted(expected: &str) -> String {
    match expected {
        "an expression" | "expression" | "an expression:" => "an operand".into(),
        "identifier" => "a name".into(),
        "a data type name" | "a data type name or identifier" => "a type".into(),
        "end of statement" => "the end".into(),
        "IN or BETWEEN after NOT" => "`in`, `between` or `like`".into(),
        other if other.starts_with("[NOT] NULL |") => "`null`, `true`, `false` or `distinct from`".into(),
        "SELECT, VALUES, or a subquery in the query body" => "`select`, `values` or `with`".into(),
        other if other.len() < 20 && other.chars().all(|c| !c.is_lowercase()) => {
            format!("`{}`", other.to_lowercase().trim_matches('\''))
        }
        other => other.to_lowercase(),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |c| c.to_lowercase().collect::<String>() + chars.as_str())
}

/// Slips that come from other languages.
fn advice(found: &str, what: &str) -> Option<&'static str> {
    Some(match found {
        "==" | "===" => "equality is `=`",
        "!" => "write `not`",
        "`" => "names are quoted with `\"`",
        ":=" => "equality is `=`",
        ";" => "an expression ends without `;`",
        "&" | "&&&" => "write `and`",
        "?" | ":" => "write `case when … then … else … end`",
        "[" if what == "an operand" => "an array is written `array[…]`",
        _ => return None,
    })
}
