//! `insert`, `update`, `delete`, `merge` and `copy`, also behind `with`, and what a query reads and fills.

use super::truth;
use crate::cursor::{Cursor, DEEP};
use crate::name::Name;
use crate::statement::{Asks, Change, CreateTable, Rows, What};

/// From the first word of the statement.
pub(super) fn read(words: &mut Cursor<'_>) -> What {
    let mut all = Vec::new();
    let into = query(words, DEEP, &mut all);
    match into {
        Some(table) if all.is_empty() => What::CreateTable(Box::new(table)),
        _ if all.is_empty() => What::Harmless,
        _ => What::Rows(all),
    }
}

/// Takes a query with all that it changes, in its `with` too. Gives the table that `select … into` makes.
fn query(words: &mut Cursor<'_>, depth: usize, all: &mut Vec<Rows>) -> Option<CreateTable> {
    let depth = depth.checked_sub(1)?;
    if let Some(mut inside) = words.group() {
        return query(&mut inside, depth, all);
    }
    let whole = words.clone();
    if words.take("with") {
        let _ = words.take("recursive");
        while words.ident().is_some() {
            if !words.sees(0, "as") {
                let _ = words.group();
            }
            let _ = words.take("as not materialized") || words.take("as materialized") || words.take("as");
            if let Some(mut inside) = words.group() {
                query(&mut inside, depth, all);
            }
            while !words.is_done() && !words.is_any(&STARTS) && !words.sees_symbol(0, b',') {
                words.skip_whole();
            }
            if !words.take_symbol(b',') {
                break;
            }
        }
    }
    if words.sees(0, "select") {
        return into(words, &whole);
    }
    change(words, all);
    None
}

/// What a query begins with.
const STARTS: [&str; 7] = ["select", "insert", "update", "delete", "merge", "values", "table"];

fn change(words: &mut Cursor<'_>, all: &mut Vec<Rows>) -> Option<()> {
    let kind = match words.ident()?.as_str() {
        "update" => Change::Update,
        "delete" => Change::Delete,
        "insert" => Change::Insert,
        "merge" => Change::Merge,
        _ => return None,
    };
    let _ = words.take("from") || words.take("into");
    let _ = words.take("only");
    let table = words.name()?;
    let _ = words.take_symbol(b'*');
    let mut rows = Rows { kind, table, asks: Asks::Nothing, from_query: None };
    match kind {
        Change::Update | Change::Delete => {
            // a limit of another kind: rows chosen by a join
            let joined = words.clone().skip_to(&["from", "using"]);
            if words.skip_to(&["where"]) {
                words.skip();
                let from = words.mark();
                words.skip_to(&["returning"]);
                rows.asks = truth::asks(&words.since(from));
            } else if joined {
                rows.asks = Asks::Something { compares: false };
            }
        }
        Change::Insert => {
            let query = words.clone();
            let _ = words.skip_to(&["select", "with", "values", "table", "default"]);
            if words.is_any(&["select", "with", "table"]) {
                rows.from_query = Some(tables(&query));
            }
        }
        Change::Merge => {
            rows.from_query = Some(tables(words));
            merge(words, &rows.table, all);
        }
    }
    all.push(rows);
    Some(())
}

/// What `merge` updates and deletes, where that may be all rows: those that match any row, and those that match none.
fn merge(words: &mut Cursor<'_>, table: &Name, all: &mut Vec<Rows>) {
    words.skip_to(&["on"]);
    words.skip();
    let from = words.mark();
    words.skip_to(&["when"]);
    let on = truth::asks(&words.since(from));
    while words.take("when") {
        let others = words.take("not matched by source");
        let matched = others || words.take("matched");
        let narrowed = words.sees(0, "and");
        words.skip_to(&["then"]);
        words.skip();
        let kind = match () {
            () if words.take("delete") => Change::Delete,
            () if words.take("update") => Change::Update,
            () => Change::Merge,
        };
        if matched && !narrowed && kind != Change::Merge {
            let asks = if others { Asks::Nothing } else { on.clone() };
            all.push(Rows { kind, table: table.clone(), asks, from_query: None });
        }
        words.skip_to(&["when"]);
    }
}

/// The table that `select … into` makes.
fn into(words: &mut Cursor<'_>, whole: &Cursor<'_>) -> Option<CreateTable> {
    words.skip_to(&["into", "from"]);
    words.take("into").then_some(())?;
    let _ = words.take("local") || words.take("global");
    let temporary = words.take("temp") || words.take("temporary");
    let _ = words.take("unlogged");
    let _ = words.take("table");
    let mut table = CreateTable::new(words.name()?);
    table.temporary = temporary;
    table.open = true;
    table.filled = Some(tables(whole));
    Some(table)
}

/// After `copy`: what the query in it changes, or the rows that it brings.
pub(super) fn copy(words: &mut Cursor<'_>) -> What {
    if words.sees_symbol(0, b'(') {
        return read(words);
    }
    let Some(table) = words.name() else { return What::Harmless };
    let _ = words.group();
    if !words.take("from") {
        return What::Harmless;
    }
    What::Rows(vec![Rows { kind: Change::Insert, table, asks: Asks::Nothing, from_query: None }])
}

/// The tables that what is left reads: what stands after `from`, `join` and `using`, without the names of `with`.
pub(super) fn tables(words: &Cursor<'_>) -> Vec<Name> {
    let mut words = words.clone();
    let mut named: Vec<String> = Vec::new();
    let mut all = Vec::new();
    while !words.is_done() {
        let from = words.mark();
        if words.is_any(&["from", "join", "using"]) {
            words.skip();
            list(&mut words, &mut all);
        } else if let Some(name) = words.ident() {
            if words.sees(0, "as") && words.sees_symbol(1, b'(') {
                named.push(name);
            }
        } else {
            words.back(from);
            words.skip();
        }
    }
    all.retain(|name: &Name| name.schema.is_some() || !named.contains(&name.name));
    all
}

/// `a, lateral f(x), only b as c`
fn list(words: &mut Cursor<'_>, all: &mut Vec<Name>) {
    loop {
        let _ = words.take("lateral") || words.take("only");
        let Some(name) = words.name() else { return };
        if words.sees_symbol(0, b'(') {
            let _ = words.group();
        } else {
            all.push(name);
        }
        let _ = words.take("as");
        let mark = words.mark();
        if words.ident().is_some() && !words.sees_symbol(0, b',') {
            words.back(mark);
        }
        if !words.take_symbol(b',') {
            return;
        }
    }
}
