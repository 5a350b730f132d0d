//! What Postgres's compiler of PL/pgSQL would refuse, or what surely fails where it runs.

use super::reader::Reader;
use crate::Problem;
use crate::scope::Output;
use crate::walk::Unreadable;
use specc_split::TokenKind;

/// Words that begin a statement of PL/pgSQL and stand in no expression behind another operand.
const STATEMENTS: &[&str] = &["return", "raise", "perform", "elsif", "loop", "end", "begin", "exception", "declare"];

/// Words that begin a statement of SQL.
const COMMANDS: &[&str] = &[
    "abort",
    "alter",
    "analyze",
    "analyse",
    "begin",
    "call",
    "checkpoint",
    "close",
    "cluster",
    "comment",
    "commit",
    "copy",
    "create",
    "deallocate",
    "declare",
    "delete",
    "discard",
    "do",
    "drop",
    "end",
    "execute",
    "explain",
    "fetch",
    "grant",
    "import",
    "insert",
    "listen",
    "load",
    "lock",
    "merge",
    "move",
    "notify",
    "prepare",
    "reassign",
    "refresh",
    "reindex",
    "release",
    "reset",
    "revoke",
    "rollback",
    "savepoint",
    "security",
    "select",
    "set",
    "show",
    "start",
    "table",
    "truncate",
    "unlisten",
    "update",
    "vacuum",
    "values",
    "with",
];

/// Key words of which every use is read: what has only these, names and plain literals, and cannot be read, is wrong.
const READ: &[&str] = &[
    "all",
    "and",
    "as",
    "asc",
    "between",
    "by",
    "case",
    "coalesce",
    "delete",
    "desc",
    "distinct",
    "else",
    "end",
    "exists",
    "false",
    "from",
    "group",
    "having",
    "ilike",
    "in",
    "inner",
    "insert",
    "into",
    "is",
    "join",
    "left",
    "like",
    "limit",
    "not",
    "null",
    "nullif",
    "offset",
    "on",
    "or",
    "order",
    "outer",
    "returning",
    "right",
    "select",
    "set",
    "then",
    "true",
    "union",
    "update",
    "using",
    "values",
    "when",
    "where",
];

impl Reader<'_, '_> {
    /// Says what is wrong with the token here; what follows it cannot be read. The first such finding is enough.
    pub(super) fn broken<T>(&mut self, at: usize, message: impl Into<String>, help: impl Into<String>) -> Option<T> {
        if !self.walk.broken {
            self.walk.broken = true;
            let at = at.min(self.tokens.len().saturating_sub(1));
            let place = self.bytes(at, at + 1);
            self.walk.report(place, Problem::Syntax, message, Some(help.into()));
        }
        None
    }

    /// Says what fails, though it can be read.
    pub(super) fn refused(&mut self, at: usize, problem: Problem, message: impl Into<String>, help: impl Into<String>) {
        let at = at.min(self.tokens.len().saturating_sub(1));
        let place = self.bytes(at, at + 1);
        self.walk.report(place, problem, message, Some(help.into()));
    }

    /// The token here as it is written, shortened.
    pub(super) fn shown(&self, at: usize) -> &str {
        let Some(token) = self.tokens.get(at) else { return "" };
        let text = &self.text[token.start..token.end];
        text.char_indices().nth(30).map_or(text, |(cut, _)| &text[..cut])
    }

    /// Goes past a word that has to stand here.
    pub(super) fn need(&mut self, word: &str, after: &str) -> Option<()> {
        if self.take(word) {
            return Some(());
        }
        let at = self.at.min(self.tokens.len().saturating_sub(1));
        let found = self.shown(at).to_owned();
        self.broken(
            at,
            format!("expected `{word}` after `{after}`, found `{found}`"),
            format!("write `{after} … {word}`"),
        )
    }

    /// Reads an expression that has to be there, up to one of these words.
    pub(super) fn needed(&mut self, words: &[&str], after: &str) -> Option<Output> {
        let end = self.until(words);
        if self.at >= end {
            let found = self.shown(self.at).to_owned();
            return self.broken(
                self.at,
                format!("expected an expression after `{after}`, found `{found}`"),
                "write the value",
            );
        }
        let output = self.expression_to(end);
        self.at = end;
        Some(output)
    }

    /// Says why tokens could not be read, where that is certain.
    pub(super) fn unreadable(&mut self, from: usize, to: usize, problem: Unreadable) {
        if problem.certain {
            let (start, end) = (problem.start, problem.end);
            return self.walk.report((start, end), Problem::Character, problem.message, problem.help);
        }
        let mut open: Vec<usize> = Vec::new();
        let mut cases = 0usize;
        let query =
            ["select", "insert", "update", "delete", "with", "merge", "values"].iter().any(|w| self.is_at(from, w));
        for at in from..to {
            let before = open.len();
            match self.tokens[at].kind {
                TokenKind::Symbol(b'(' | b'[') => open.push(at),
                TokenKind::Symbol(b')' | b']') if open.pop().is_none() => {
                    let message = format!("`{}` closes nothing", self.shown(at));
                    self.broken::<()>(at, message, "remove it, or open it before");
                    return;
                }
                _ => {}
            }
            if before > 0 || at == from {
                cases += usize::from(at == from && self.is_at(at, "case"));
                continue;
            }
            let word = STATEMENTS.iter().any(|word| self.is_at(at, word)) || !query && self.is_at(at, "if");
            let is_end = self.is_at(at, "end");
            if self.is_at(at, "case") {
                cases += 1;
            } else if is_end && cases > 0 {
                cases -= 1;
            } else if word && cases == 0 {
                let message = format!("expected `;` before `{}`", self.shown(at));
                self.broken::<()>(at, message, "end the statement before it with `;`");
                return;
            } else if self.symbol_at(at, b':') && self.symbol_at(at + 1, b'=') && !self.is_at(at - 1, "into") {
                let name = at - 1;
                let message = format!("expected `;` before `{}`", self.shown(name));
                self.broken::<()>(name, message, "end the statement before it with `;`");
                return;
            }
        }
        if let Some(at) = open.first() {
            let message = format!("`{}` is never closed", self.shown(*at));
            self.broken::<()>(*at, message, "close it before the `;`");
            return;
        }
        if self.is_plain(from, to) && !self.walk.broken {
            self.walk.broken = true;
            let (start, end) = (problem.start, problem.end);
            self.walk.report((start, end), Problem::Syntax, problem.message, problem.help);
        }
    }

    /// Whether what stands from here on and was read up to a token has the word of another statement at its end.
    pub(super) fn ends_early(&self, end: usize) -> bool {
        let last = end.saturating_sub(1);
        let cases = (self.at..end).any(|at| self.is_at(at, "case"));
        last > self.at
            && !cases
            && !self.symbol_at(last - 1, b'.')
            && STATEMENTS.iter().any(|word| self.is_at(last, word))
    }

    /// Whether the tokens are only names, plain literals, and what is read in every use.
    fn is_plain(&self, from: usize, to: usize) -> bool {
        (from..to).all(|at| {
            let token = &self.tokens[at];
            let text = &self.text[token.start..token.end];
            match token.kind {
                TokenKind::Word => {
                    let word = text.to_ascii_lowercase();
                    READ.contains(&&*word) || !specc_facts::is_keyword(&word)
                }
                TokenKind::Quoted => text.starts_with('"'),
                TokenKind::Text => text.starts_with('\''),
                TokenKind::Symbol(byte) => b"+-*/%=<>.,()|".contains(&byte),
            }
        })
    }

    /// What begins with a word that begins no statement.
    pub(super) fn no_statement(&mut self, word: &str) -> Option<()> {
        let here = self.at;
        if word == "elseif" || word == "elsif" || ["end", "else", "then", "exception", "when"].contains(&word) {
            return self.broken(
                here,
                format!("`{word}` stands where a statement begins"),
                "remove it, or begin its block before",
            );
        }
        if COMMANDS.contains(&word) {
            return Some(());
        }
        let (names, end) = self.names();
        if self.symbol_at(end, b'(') {
            let call = names.join(".");
            let message = format!("a call of `{call}` is no statement");
            return self.broken(here, message, format!("write `perform {call}(…)`, or `call` for a procedure"));
        }
        let near = specc_diag::nearest(word, COMMANDS.iter().copied().chain(STATEMENTS.iter().copied()));
        let help = near.map_or_else(
            || "an assignment is `name := value`, and a statement ends with `;`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        self.broken(here, format!("no statement begins with `{}`", self.shown(here)), help)
    }

    /// As many values as `%` in the text of `raise`.
    pub(super) fn placeholders(&mut self, at: usize, given: usize) {
        let text = self.shown_whole(at);
        if !text.starts_with('\'') {
            return;
        }
        let wanted = text.replace("%%", "").matches('%').count();
        if wanted != given {
            let s = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
            let message = format!("{} for {}", s(given, "value"), s(wanted, "`%`").replace("`%`s", "`%`"));
            self.refused(at, Problem::WrongCount, message, "give each `%` a value; a percent sign is written `%%`");
        }
    }

    fn shown_whole(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &self.text[token.start..token.end])
    }
}
