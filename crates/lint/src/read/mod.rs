//! Statements from their tokens.

mod access;
mod alter;
mod block;
mod options;
mod rows;
mod settings;
mod table;
mod truth;

pub(crate) use block::{Inner, inner};

use crate::cursor::{Cursor, Place};
use crate::name::Name;
use crate::statement::{CreateIndex, Drop, Dropped, Trigger, What};
use specc_sql::Lock;

/// What the statement at `start..end` of `file` does.
pub(crate) fn read(file: &str, start: usize, end: usize) -> What {
    let mut words = Cursor::new(file, start, end);
    statement(&mut words).unwrap_or(What::Unknown)
}

/// Statements that neither lock a table that is in use, nor lose or open anything.
const HARMLESS: [&str; 23] = [
    "values",
    "show",
    "analyze",
    "analyse",
    "comment",
    "notify",
    "listen",
    "unlisten",
    "savepoint",
    "release",
    "execute",
    "deallocate",
    "declare",
    "fetch",
    "close",
    "move",
    "checkpoint",
    "security",
    "import",
    "table",
    "load",
    "revoke",
    "reassign",
];

fn statement(words: &mut Cursor<'_>) -> Option<What> {
    let start = words.mark();
    if words.sees_symbol(0, b'(') {
        return Some(rows::read(words));
    }
    let first = words.ident()?;
    match first.as_str() {
        "create" => create(words),
        "alter" => alter::alter(words),
        "drop" => drop(words),
        "truncate" => Some(truncate(words)),
        "with" | "insert" | "update" | "delete" | "merge" => {
            words.back(start);
            Some(rows::read(words))
        }
        "copy" => Some(rows::copy(words)),
        "explain" => explain(words),
        "prepare" if words.take("transaction") => Some(What::Commit),
        "prepare" => {
            let _ = words.ident();
            let _ = words.group();
            words.take("as").then(|| statement(words)).flatten()
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
            let full = match words.group() {
                Some(options) => options::says(&options, "full") == Some(true),
                None => words.sees(0, "full"),
            };
            Some(What::Vacuum { full })
        }
        "refresh" => {
            words.take("materialized view").then_some(())?;
            let concurrently = words.take("concurrently");
            Some(What::Refresh { view: words.name()?, concurrently, with_data: !words.take("with no data") })
        }
        "lock" => {
            let _ = words.take("table");
            let tables = names(words);
            Some(What::Lock { tables, lock: lock_mode(words) })
        }
        "set" => Some(settings::set(words)),
        "reset" => Some(settings::reset(words)),
        "discard" => Some(if words.sees(0, "all") { What::ResetAll } else { What::Harmless }),
        "select" => {
            let setting = settings::set_config(&mut words.clone());
            words.back(start);
            Some(setting.unwrap_or_else(|| rows::read(words)))
        }
        "begin" | "start" => Some(What::Begin),
        "commit" | "end" => Some(if words.sees(0, "prepared") { What::Harmless } else { What::Commit }),
        "rollback" | "abort" => {
            let whole = !words.sees(0, "prepared") && !words.has(&["to"]);
            Some(if whole { What::Rollback } else { What::Harmless })
        }
        "do" | "call" => Some(What::Block),
        other if HARMLESS.contains(&other) => Some(What::Harmless),
        _ => None,
    }
}

/// After `explain`: the statement, where it is run.
fn explain(words: &mut Cursor<'_>) -> Option<What> {
    let runs = match words.group() {
        Some(options) => ["analyze", "analyse"].iter().any(|name| options::says(&options, name) == Some(true)),
        None => words.take("analyze") || words.take("analyse"),
    };
    let _ = words.take("verbose");
    if runs { statement(words) } else { Some(What::Harmless) }
}

fn lock_mode(words: &mut Cursor<'_>) -> Lock {
    let modes = [
        ("in access share", Lock::AccessShare),
        ("in row share", Lock::RowShare),
        ("in row exclusive", Lock::RowExclusive),
        ("in share update exclusive", Lock::ShareUpdateExclusive),
        ("in share row exclusive", Lock::ShareRowExclusive),
        ("in share", Lock::Share),
        ("in exclusive", Lock::Exclusive),
    ];
    modes.into_iter().find(|(mode, _)| words.take(mode)).map_or(Lock::AccessExclusive, |(_, lock)| lock)
}

/// After `trigger` or `rule`, up to its table, which `at` stands before.
fn trigger(words: &mut Cursor<'_>, at: &str, lock: Lock) -> Option<Trigger> {
    let _ = words.take("if exists");
    let name = words.ident();
    words.skip_to(&[at]);
    words.skip();
    Some(Trigger { table: words.name()?, name, function: None, dropped: false, lock })
}

/// Objects that are made without touching a table.
const MADE: [&str; 21] = [
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
    let _ = words.take("unlogged");
    let foreign = words.take("foreign table");
    if foreign || words.take("table") {
        return table::create(words, temporary, foreign);
    }
    if words.take("schema") {
        let _ = words.take("if not exists");
        return Some(words.ident().map_or(What::Harmless, |name| What::CreateSchema { name }));
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
        let mut new = trigger(words, "on", Lock::ShareRowExclusive)?;
        words.skip_to(&["execute"]);
        new.function =
            (words.take("execute function") || words.take("execute procedure")).then(|| words.name()).flatten();
        return Some(What::Trigger(new));
    }
    if words.take("rule") {
        return trigger(words, "to", Lock::AccessExclusive).map(What::Trigger);
    }
    if words.take("type") {
        let name = words.name()?;
        return Some(if words.take("as enum") { What::CreateEnum { name } } else { What::Harmless });
    }
    if words.take("domain") {
        let name = words.name()?;
        let _ = words.take("as");
        let base = words.ty();
        return Some(What::CreateDomain { name, base, constrained: words.has(&["check"]) || has_not_null(words) });
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
    let table = words.name()?;
    if words.take("using") {
        words.skip();
    }
    let columns = words.group().and_then(|group| group.items().into_iter().map(column).collect());
    Some(What::CreateIndex(CreateIndex { name, table, columns, concurrently, if_not_exists, only, head }))
}

/// The column that an index has here, with what orders it; an expression is none.
fn column(mut words: Cursor<'_>) -> Option<String> {
    let name = words.ident()?;
    (!words.sees_symbol(0, b'(') && !words.sees_symbol(0, b'.')).then_some(name)
}

fn reindex(words: &mut Cursor<'_>) -> What {
    let option = words.group().and_then(|options| options::says(&options, "concurrently"));
    let (of_table, of_index) = (words.take("table"), words.take("index"));
    if !of_table && !of_index {
        words.skip();
    }
    let concurrently = words.take("concurrently") || option == Some(true);
    let name = words.name();
    What::Reindex { concurrently, table: name.clone().filter(|_| of_table), index: name.filter(|_| of_index) }
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
        let dropped = trigger(words, "on", Lock::AccessExclusive)?;
        return Some(What::Trigger(Trigger { dropped: true, ..dropped }));
    }
    let kind = [
        ("foreign table", Dropped::Table),
        ("table", Dropped::Table),
        ("index", Dropped::Index),
        ("schema", Dropped::Schema),
        ("database", Dropped::Database),
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
