//! Conditions that are the same for every row: `true`, `1 = 1`, `id = id`, `n > 3 or true`.

use crate::cursor::{Cursor, DEEP};
use crate::name::Name;
use crate::statement::Asks;
use std::collections::BTreeSet;

/// What a condition asks of a row.
pub(super) fn asks(words: &Cursor<'_>) -> Asks {
    let words = words.bare();
    if is_always(&words) {
        return Asks::Nothing;
    }
    if let Some((column, null)) = null_test(&words) {
        return if null { Asks::Null(column.name) } else { Asks::NotNull(column.name) };
    }
    Asks::Something { compares: words.as_written().contains('=') }
}

/// Whether a condition holds for every row.
pub(super) fn is_always(words: &Cursor<'_>) -> bool {
    truth(words.clone(), DEEP) == Some(true)
}

/// What a condition is, where that is the same for every row.
fn truth(words: Cursor<'_>, depth: usize) -> Option<bool> {
    let mut words = words.bare();
    let depth = depth.checked_sub(1)?;
    let mut top = words.clone();
    if words.is_done() || top.skip_to(&["case", "select"]) {
        return None;
    }
    let parts = words.clone().parted(&["or"]);
    if parts.len() > 1 {
        let known: Vec<_> = parts.iter().map(|part| truth(part.clone(), depth)).collect();
        let tests: BTreeSet<_> = parts.iter().filter_map(|part| null_test(&part.bare())).map(told_apart).collect();
        let both = tests.iter().any(|(schema, name, null)| tests.contains(&(schema.clone(), name.clone(), !null)));
        return match () {
            () if both || known.contains(&Some(true)) => Some(true),
            () if known.iter().all(|known| *known == Some(false)) => Some(false),
            () => None,
        };
    }
    let parts = words.clone().parted(&["and"]);
    if parts.len() > 1 {
        let known: Vec<_> = parts.into_iter().map(|part| truth(part, depth)).collect();
        return match () {
            () if known.contains(&Some(false)) => Some(false),
            () if known.iter().all(|known| *known == Some(true)) => Some(true),
            () => None,
        };
    }
    if words.take("not") {
        return truth(words, depth).map(|known| !known);
    }
    if let Some(value) = constant(&words) {
        return value.as_bool();
    }
    is_test(words.clone(), depth).or_else(|| comparison(words))
}

/// A value that is written out.
#[derive(PartialEq)]
enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
}

impl Value {
    fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            Value::Text(text) => match text.trim().to_lowercase().as_str() {
                "t" | "true" | "y" | "yes" | "on" | "1" => Some(true),
                "f" | "false" | "n" | "no" | "off" | "0" => Some(false),
                _ => None,
            },
            Value::Null | Value::Number(_) => None,
        }
    }
}

const BOOL: [&str; 2] = ["boolean", "bool"];

/// A constant, perhaps with a cast that leaves it what it is.
fn constant(words: &Cursor<'_>) -> Option<Value> {
    constant_within(words, CASTS)
}

/// A cast of a cast of a cast is followed this far.
const CASTS: usize = 5;

fn constant_within(words: &Cursor<'_>, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let mut words = words.bare();
    if words.is_any(&["cast"]) && words.sees_symbol(1, b'(') {
        words.skip();
        let inside = words.group().filter(|_| words.is_done())?;
        return constant_within(inside.parted(&["as"]).first()?, depth);
    }
    if words.is_any(&BOOL) {
        words.skip();
    }
    let value = if words.take("null") {
        Value::Null
    } else if words.take("true") {
        Value::Bool(true)
    } else if words.take("false") {
        Value::Bool(false)
    } else if words.sees_symbol(0, b'(') {
        constant_within(&words.group()?, depth)?
    } else if let Some(text) = words.string() {
        Value::Text(text)
    } else {
        let from = words.mark();
        let _ = words.take_symbol(b'-');
        let _ = words.ident()?;
        if words.take_symbol(b'.') {
            let _ = words.ident();
        }
        Value::Number(words.since(from).as_written().parse().ok()?)
    };
    while words.take_symbol(b':') && words.take_symbol(b':') {
        let of_bool = words.is_any(&BOOL);
        let _ = words.name()?;
        let _ = words.group();
        if of_bool && words.is_done() {
            return match value {
                Value::Number(number) => Some(Value::Bool(number != 0.0)),
                value => value.as_bool().map(Value::Bool),
            };
        }
    }
    words.is_done().then_some(value)
}

/// The column of `c is null` or `c is not null`, and whether null is asked for.
fn null_test(words: &Cursor<'_>) -> Option<(Name, bool)> {
    let mut parts = words.clone().parted(&["is"]);
    let mut test = parts.pop().filter(|_| parts.len() == 1)?;
    let column = column(&parts[0])?;
    let null = !test.take("not");
    (test.take("null") && test.is_done()).then_some((column, null))
}

/// The name of a column, where that is all there is.
fn column(words: &Cursor<'_>) -> Option<Name> {
    let mut words = words.bare();
    words.name().filter(|_| words.is_done())
}

fn told_apart((column, null): (Name, bool)) -> (Option<String>, String, bool) {
    (column.schema, column.name, null)
}

/// Whether two names are of one column: `t.id` and `id`, not `t.id` and `u.id`.
fn same(a: &Name, b: &Name) -> bool {
    a.name == b.name && (a.schema == b.schema || a.schema.is_none() || b.schema.is_none())
}

fn same_column(a: &Cursor<'_>, b: &Cursor<'_>) -> bool {
    column(a).zip(column(b)).is_some_and(|(a, b)| same(&a, &b))
}

/// `… is [not] null`, `… is [not] true`, `… is [not] distinct from …`
fn is_test(words: Cursor<'_>, depth: usize) -> Option<bool> {
    let mut parts = words.parted(&["is"]);
    let mut test = parts.pop().filter(|_| parts.len() == 1)?;
    let left = parts.pop()?;
    let wanted = !test.take("not");
    if test.take("null") {
        return constant(&left).filter(|_| test.is_done()).map(|value| (value == Value::Null) == wanted);
    }
    if test.take("distinct from") {
        let same = match (constant(&left), constant(&test)) {
            (Some(a), Some(b)) => a == b,
            _ => Some(true).filter(|_| same_column(&left, &test))?,
        };
        return Some(same != wanted);
    }
    let truth = truth(left, depth)?;
    let against = if test.take("true") {
        true
    } else if test.take("false") {
        false
    } else {
        return None;
    };
    test.is_done().then_some((truth == against) == wanted)
}

/// `1 = 1`, `id = id`, `2 > 1`
fn comparison(mut words: Cursor<'_>) -> Option<bool> {
    let operator = |words: &Cursor<'_>| b"=<>!".iter().any(|symbol| words.sees_symbol(0, *symbol));
    let start = words.mark();
    while !words.is_done() && !operator(&words) {
        words.skip_whole();
    }
    let left = words.since(start);
    let start = words.mark();
    while operator(&words) {
        words.skip();
    }
    let written = words.since(start).normal().concat();
    let start = words.mark();
    while !words.is_done() {
        words.skip();
    }
    let right = words.since(start);
    let (Some(a), Some(b)) = (constant(&left), constant(&right)) else {
        return (same_column(&left, &right) && matches!(written.as_str(), "=" | ">=" | "<=")).then_some(true);
    };
    let order = match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(&b)?,
        (Value::Text(a), Value::Text(b)) if a == b || matches!(written.as_str(), "=" | "<>" | "!=") => a.cmp(&b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(&b),
        _ => return None,
    };
    Some(match written.as_str() {
        "=" => order.is_eq(),
        "<>" | "!=" => order.is_ne(),
        "<" => order.is_lt(),
        ">" => order.is_gt(),
        "<=" => order.is_le(),
        ">=" => order.is_ge(),
        _ => return None,
    })
}
