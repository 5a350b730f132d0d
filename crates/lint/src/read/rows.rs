//! `insert`, `update`, `delete`, `merge`, also behind `with`.

use crate::cursor::Cursor;
use crate::name::Name;
use crate::statement::{Change, Rows, What};

/// From the first word of the statement.
pub(super) fn read(words: &mut Cursor<'_>) -> Option<What> {
    if words.take("with") && !words.skip_to(&["select", "insert", "update", "delete", "merge", "values", "table"]) {
        return Some(What::Harmless);
    }
    let kind = match words.ident()?.as_str() {
        "update" => Change::Update,
        "delete" => Change::Delete,
        "insert" => Change::Insert,
        "merge" => Change::Merge,
        _ => return Some(What::Harmless),
    };
    let _ = words.take("from") || words.take("into");
    let _ = words.take("only");
    let table = words.name()?;
    let mut rows = Rows { kind, table, condition: None, only_null: None, from_query: None };
    match kind {
        Change::Update | Change::Delete => {
            // a limit of another kind: rows chosen by a join
            let joined = words.clone().skip_to(&["from", "using"]);
            if words.skip_to(&["where"]) {
                words.skip();
                let from = words.mark();
                words.skip_to(&["returning"]);
                let condition = words.since(from);
                rows.condition = Some(condition.as_written().to_lowercase());
                rows.only_null = only_null(condition);
            } else if joined {
                rows.condition = Some(String::new());
            }
        }
        Change::Insert | Change::Merge => {
            let query = words.clone();
            let _ = words.skip_to(&["select", "with", "values", "table", "default", "when"]);
            if kind == Change::Merge || words.is_any(&["select", "with", "table"]) {
                rows.from_query = Some(tables(&query));
            }
        }
    }
    Some(What::Rows(rows))
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

fn only_null(mut words: Cursor<'_>) -> Option<String> {
    let column = words.name()?.name;
    (words.take("is null") && words.is_done()).then_some(column)
}
