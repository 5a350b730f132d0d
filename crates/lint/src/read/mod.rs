//! Statements from their tokens.

mod access;
mod alter;
mod rows;
mod settings;
mod table;
mod types;

use crate::cursor::{Cursor, Place};
use crate::name::Name;
use crate::statement::{CreateIndex, Drop, Dropped, What};

/// What the statement at `start..end` of `file` does.
pub(crate) fn read(file: &str, start: usize, end: usize) -> What {
    let mut words = Cursor::new(file, start, end);
    statement(&mut words).unwrap_or(What::Unknown)
}

/// Statements that neither lock a table that is in use, nor lose or open anything.
const HARMLESS: [&str; 29] = [
    "select",
    "values",
    "show",
    "explain",
    "analyze",
    "comment",
    "notify",
    "listen",
    "unlisten",
    "savepoint",
    "release",
    "rollback",
    "abort",
    "prepare",
    "execute",
    "deallocate",
    "declare",
    "fetch",
    "close",
    "move",
    "checkpoint",
    "discard",
    "security",
    "import",
    "copy",
    "table",
    "load",
    "revoke",
    "reassign",
];

fn statement(words: &mut Cursor<'_>) -> Option<What> {
    let start = words.mark();
    if words.sees_symbol(0, b'(') {
        return Some(What::Harmless);
    }
    let first = words.ident()?;
    match first.as_str() {
        "create" => create(words),
        "alter" => alter::alter(words),
        "drop" => drop(words),
        "truncate" => Some(truncate(words)),
        "with" | "insert" | "update" | "delete" | "merge" => {
            words.back(start);
            rows::read(words)
        }
        "grant" => access::grant(words),
        "revoke" => Some(access::revoke(words).unwrap_or(What::Harmless)),
        "reindex" => Some(reindex(words)),
        "cluster" => {
            let _ = words.take("verbose");
            let table = if words.sees(1, "on") {
                words.skip_to(&["on"]).then(|| words.skip()).and_then(|()| words.name())
            } else {
                words.name()
            };
            Some(What::Cluster { table })
        }
        "vacuum" => {
            let options = words.group();
            Some(What::Vacuum { full: options.map_or_else(|| words.sees(0, "full"), |o| o.has(&["full"])) })
        }
        "refresh" => {
            words.take("materialized view").then_some(())?;
            let concurrently = words.take("concurrently");
            Some(What::Refresh { view: words.name()?, concurrently })
        }
        "lock" => {
            let _ = words.take("table");
            Some(What::Lock { tables: names(words) })
        }
        "set" | "reset" => Some(settings::set(words)),
        "select" => Some(settings::set_config(words).unwrap_or(What::Harmless)),
        "begin" | "start" => Some(What::Begin),
        "commit" | "end" => Some(What::Commit),
        "do" | "call" => Some(What::Block),
        other if HARMLESS.contains(&other) => Some(What::Harmless),
        _ => None,
    }
}

/// Objects that are made without touching a table.
const MADE: [&str; 22] = [
    "schema",
    "extension",
    "sequence",
    "role",
    "user",
    "group",
    "aggregate",
    "cast",
    "collation",
    "conversion",
    "operator",
    "server",
    "foreign",
    "language",
    "statistics",
    "publication",
    "subscription",
    "database",
    "tablespace",
    "access",
    "text",
    "event",
];

fn create(words: &mut Cursor<'_>) -> Option<What> {
    let replace = words.take("or replace");
    let temporary = (words.take("local") || words.take("global"), words.take("temp") || words.take("temporary")).1;
    let unlogged = words.take("unlogged");
    let _ = unlogged;
    if words.take("table") {
        return table::create(words, temporary);
    }
    if words.is_any(&["index", "unique"]) {
        return index(words);
    }
    let _ = words.take("recursive");
    let materialized = words.take("materialized");
    if words.take("view") {
        return access::view(words, replace, materialized, temporary);
    }
    if words.take("policy") {
        return access::policy(words, false);
    }
    if words.take("function") || words.take("procedure") {
        return access::function(words);
    }
    if words.take("constraint trigger") || words.take("trigger") {
        let table = words.skip_to(&["on"]).then(|| words.skip()).and_then(|()| words.name());
        return Some(What::Trigger { table });
    }
    if words.take("rule") {
        let table = words.skip_to(&["to"]).then(|| words.skip()).and_then(|()| words.name());
        return Some(What::Trigger { table });
    }
    if words.take("type") {
        let name = words.name()?;
        return Some(if words.take("as enum") { What::CreateEnum { name } } else { What::Harmless });
    }
    if words.take("domain") {
        let name = words.name()?;
        return Some(What::CreateDomain { name, constrained: words.has(&["check"]) || has_not_null(words) });
    }
    (MADE.iter().any(|word| words.sees(0, word)) || words.is_any(&["trusted", "procedural", "default", "transform"]))
        .then_some(What::Harmless)
}

fn has_not_null(words: &Cursor<'_>) -> bool {
    let mut words = words.clone();
    while !words.is_done() {
        if words.take("not null") {
            return true;
        }
        words.skip_whole();
    }
    false
}

fn index(words: &mut Cursor<'_>) -> Option<What> {
    let _ = words.take("unique");
    words.take("index").then_some(())?;
    let from = words.mark();
    let concurrently = words.take("concurrently").then(|| words.place(from));
    let from = words.mark();
    let if_not_exists = words.take("if not exists").then(|| words.place(from));
    let head = (words.whole().0, words.place(words.mark().saturating_sub(1)).1);
    let name = if words.sees(0, "on") { None } else { words.ident() };
    words.take("on").then_some(())?;
    let only = words.take("only");
    Some(What::CreateIndex(CreateIndex { name, table: words.name()?, concurrently, if_not_exists, only, head }))
}

fn reindex(words: &mut Cursor<'_>) -> What {
    let concurrently = words.has(&["concurrently"]);
    let _ = words.group();
    let of_table = words.take("table");
    let _ = words.take("concurrently");
    What::Reindex { concurrently, table: if of_table { words.name() } else { None } }
}

fn names(words: &mut Cursor<'_>) -> Vec<Name> {
    let mut all = Vec::new();
    loop {
        let _ = words.take("only");
        let Some(name) = words.name() else { return all };
        all.push(name);
        let _ = words.take_symbol(b'*');
        // the arguments of a function
        let _ = words.group();
        if !words.take_symbol(b',') {
            return all;
        }
    }
}

fn cascade(words: &mut Cursor<'_>) -> Option<Place> {
    while !words.is_done() {
        let from = words.mark();
        if words.take("cascade") {
            return Some(words.place(from));
        }
        words.skip_whole();
    }
    None
}

fn drop(words: &mut Cursor<'_>) -> Option<What> {
    if words.take("policy") {
        let _ = words.take("if exists");
        let name = words.ident()?;
        words.take("on").then_some(())?;
        return Some(What::DropPolicy { name, table: words.name()? });
    }
    if words.take("trigger") || words.take("rule") {
        let table = words.skip_to(&["on"]).then(|| words.skip()).and_then(|()| words.name());
        return Some(What::Trigger { table });
    }
    let kind = [
        ("foreign table", Dropped::Table),
        ("table", Dropped::Table),
        ("index", Dropped::Index),
        ("schema", Dropped::Schema),
        ("owned by", Dropped::Owned),
        ("type", Dropped::Type),
        ("domain", Dropped::Type),
        ("materialized view", Dropped::MaterializedView),
        ("view", Dropped::View),
        ("function", Dropped::Function),
        ("procedure", Dropped::Function),
        ("routine", Dropped::Function),
    ];
    let kind = kind.into_iter().find(|(head, _)| words.take(head)).map_or(Dropped::Other, |(_, kind)| kind);
    if kind == Dropped::Other {
        words.skip();
        return Some(What::Drop(Drop { kind, names: Vec::new(), concurrently: None, cascade: cascade(words) }));
    }
    let from = words.mark();
    let concurrently = words.take("concurrently").then(|| words.place(from));
    let _ = words.take("if exists");
    let names = names(words);
    Some(What::Drop(Drop { kind, names, concurrently, cascade: cascade(words) }))
}

fn truncate(words: &mut Cursor<'_>) -> What {
    let _ = words.take("table");
    let tables = names(words);
    What::Truncate { tables, cascade: cascade(words) }
}
