//! What a statement is, as far as a runner must know it.

use crate::lexer::{Lexer, Token, TokenKind as T};

/// What a statement is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `create index concurrently`: its name, if it has one, and its table, as written.
    CreateIndex {
        /// The exact name.
        name: Option<String>,
        /// As written, with its schema if that is written.
        table: String,
    },
    /// `drop index concurrently`: the index as written.
    DropIndex {
        /// As written.
        index: String,
    },
    /// `reindex … concurrently`: the index as written, where it is one.
    Reindex {
        /// As written.
        index: Option<String>,
    },
    /// `alter table … detach partition … concurrently`: both as written.
    Detach {
        /// The parent, as written.
        table: String,
        /// The partition, as written.
        partition: String,
    },
    /// `do`, which may commit on its way.
    Block,
    /// `vacuum` and `analyze`: may be run any number of times.
    Upkeep,
    /// Another statement that runs in no transaction, or may commit on its way: `call`, `create database`.
    Outside,
    /// `set` and the like: for all that follow in the session.
    Setting,
    /// `begin`
    Begin,
    /// `commit`
    Commit,
    /// `rollback`, `prepare transaction`
    Rollback,
    /// Any other.
    Plain,
}

impl Kind {
    /// Whether the server refuses it in a transaction.
    pub fn refuses_transaction(&self) -> bool {
        use Kind::{CreateIndex, Detach, DropIndex, Outside, Reindex, Upkeep};
        matches!(self, CreateIndex { .. } | DropIndex { .. } | Reindex { .. } | Detach { .. } | Upkeep | Outside)
    }

    /// Whether it waits for others without making anybody wait behind it.
    pub fn is_patient(&self) -> bool {
        use Kind::{CreateIndex, Detach, DropIndex, Reindex};
        matches!(self, CreateIndex { .. } | DropIndex { .. } | Reindex { .. } | Detach { .. })
    }
}

/// The tokens of a statement with its text.
struct Words<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
}

impl Words<'_> {
    fn is(&self, n: usize, word: &str) -> bool {
        self.tokens.get(n).is_some_and(|token| token.is(self.text, word))
    }

    /// Takes the words that are there, in this order.
    fn take(&mut self, words: &[&str]) -> bool {
        let all = words.iter().enumerate().all(|(n, word)| self.is(self.at + n, word));
        if all {
            self.at += words.len();
        }
        all
    }

    /// A name without a schema, as the catalog has it.
    fn ident(&mut self) -> Option<String> {
        let name = self.tokens.get(self.at)?.name(self.text)?;
        self.at += 1;
        Some(name)
    }

    /// A name that may have a schema: as written.
    fn name(&mut self) -> Option<String> {
        let start = self.tokens.get(self.at).filter(|t| matches!(t.kind, T::Word | T::Quoted))?.start;
        let mut end = self.tokens[self.at].end;
        self.at += 1;
        while self.tokens.get(self.at).is_some_and(|t| t.kind == T::Symbol(b'.')) {
            end = self.tokens.get(self.at + 1)?.end;
            self.at += 2;
        }
        Some(self.text[start..end].to_owned())
    }

    fn find(&self, word: &str) -> Option<usize> {
        (self.at..self.tokens.len()).find(|n| self.is(*n, word))
    }
}

/// Says what a statement is. What cannot be told is [`Kind::Plain`]; the server knows better.
pub fn classify(text: &str) -> Kind {
    let tokens: Vec<_> = Lexer::new(text).map_while(Result::ok).collect();
    let mut words = Words { text, tokens, at: 0 };
    let first = words.tokens.first().filter(|t| t.kind == T::Word).map(|t| text[t.start..t.end].to_ascii_lowercase());
    words.at = 1;
    match first.as_deref().unwrap_or_default() {
        "create" => create(&mut words),
        "drop" if words.take(&["index", "concurrently"]) => {
            let _ = words.take(&["if", "exists"]);
            words.name().map_or(Kind::Outside, |index| Kind::DropIndex { index })
        }
        "drop" if words.is(1, "database") || words.is(1, "tablespace") => Kind::Outside,
        "drop" if words.is(1, "subscription") => Kind::Outside,
        "reindex" => reindex(&mut words),
        "alter" => alter(&mut words),
        "do" => Kind::Block,
        "call" => Kind::Outside,
        "vacuum" => Kind::Upkeep,
        "cluster" if words.tokens.len() == 1 => Kind::Upkeep,
        "set" if words.is(1, "constraints") || words.is(1, "transaction") => Kind::Plain,
        "set" | "reset" | "discard" | "listen" | "unlisten" => Kind::Setting,
        "select" if words.is(1, "set_config") || (words.is(1, "pg_catalog") && words.is(3, "set_config")) => {
            Kind::Setting
        }
        "begin" => Kind::Begin,
        "start" if words.is(1, "transaction") => Kind::Begin,
        "commit" if words.is(1, "prepared") => Kind::Outside,
        "commit" | "end" => Kind::Commit,
        "rollback" if words.is(1, "prepared") => Kind::Outside,
        "rollback" if words.find("to").is_some() => Kind::Plain,
        "rollback" | "abort" => Kind::Rollback,
        "prepare" if words.is(1, "transaction") => Kind::Rollback,
        _ => Kind::Plain,
    }
}

fn create(words: &mut Words<'_>) -> Kind {
    if words.is(1, "database") || words.is(1, "tablespace") || words.is(1, "subscription") {
        return Kind::Outside;
    }
    let _ = words.take(&["unique"]);
    if !words.take(&["index", "concurrently"]) {
        return Kind::Plain;
    }
    let _ = words.take(&["if", "not", "exists"]);
    let name = if words.is(words.at, "on") { None } else { words.ident() };
    if !words.take(&["on"]) {
        return Kind::Outside;
    }
    let _ = words.take(&["only"]);
    words.name().map_or(Kind::Outside, |table| Kind::CreateIndex { name, table })
}

fn reindex(words: &mut Words<'_>) -> Kind {
    if !concurrently(words) {
        let whole = ["database", "system", "schema"].iter().any(|word| words.find(word).is_some());
        return if whole { Kind::Upkeep } else { Kind::Plain };
    }
    let of_index = words.find("index");
    if let Some(n) = of_index {
        words.at = n + 1;
        let _ = words.take(&["concurrently"]);
        return Kind::Reindex { index: words.name() };
    }
    Kind::Reindex { index: None }
}

/// Whether `concurrently` is there, as a word of the statement or among its options, where it may be said to be off.
fn concurrently(words: &Words<'_>) -> bool {
    let Some(at) = words.find("concurrently") else { return false };
    let option = words.tokens.get(1).is_some_and(|token| token.kind == T::Symbol(b'('))
        && words.tokens[..at].iter().all(|token| token.kind != T::Symbol(b')'));
    let value = words.tokens.get(at + 1).map(|token| words.text[token.start..token.end].to_ascii_lowercase());
    let off = ["false", "off", "0", "'false'", "'off'", "\"false\"", "\"off\""];
    !option || !value.is_some_and(|value| off.contains(&value.as_str()))
}

fn alter(words: &mut Words<'_>) -> Kind {
    if words.is(1, "system") {
        return Kind::Outside;
    }
    if !words.take(&["table"]) {
        return Kind::Plain;
    }
    let _ = words.take(&["if", "exists"]);
    let _ = words.take(&["only"]);
    let Some(table) = words.name() else {
        return Kind::Plain;
    };
    if words.take(&["detach", "partition"])
        && let Some(partition) = words.name()
        && words.is(words.at, "concurrently")
    {
        return Kind::Detach { table, partition };
    }
    Kind::Plain
}
