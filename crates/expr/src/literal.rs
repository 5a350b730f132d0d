//! What most defaults are, read without the parser: a number, a plain string, `true`, `false`, `null`, `now()`.

use sqlparser::ast::{
    Expr, Function, FunctionArgumentList, FunctionArguments, Ident, ObjectName, Value, ValueWithSpan,
};
use sqlparser::tokenizer::{Location, Span};

/// The tree of `text` if it is one of the plainest.
pub(crate) fn quick(text: &str) -> Option<Expr> {
    let bytes = text.as_bytes();
    match bytes {
        [b'0'..=b'9', ..] if bytes.len() <= 18 && bytes.iter().all(u8::is_ascii_digit) => {
            value(Value::Number(text.to_string(), false), text)
        }
        [b'\'', inner @ .., b'\''] if inner.iter().all(|b| !matches!(b, b'\'' | b'\n' | b'\r' | b'\\' | 0x80..)) => {
            value(Value::SingleQuotedString(text[1..text.len() - 1].to_string()), text)
        }
        b"true" => value(Value::Boolean(true), text),
        b"false" => value(Value::Boolean(false), text),
        b"null" => value(Value::Null, text),
        [name @ .., b'(', b')'] => call(name, text),
        _ => None,
    }
}

fn area(from: usize, to: usize) -> Span {
    Span::new(Location::new(1, from as u64 + 1), Location::new(1, to as u64 + 1))
}

fn value(value: Value, text: &str) -> Option<Expr> {
    Some(Expr::Value(ValueWithSpan { value, span: area(0, text.len()) }))
}

fn call(name: &[u8], text: &str) -> Option<Expr> {
    // Names that sqlparser reads as something else than a call.
    const SPECIAL: &[&str] = &[
        "array",
        "case",
        "cast",
        "ceil",
        "convert",
        "current_date",
        "current_time",
        "current_timestamp",
        "exists",
        "extract",
        "floor",
        "in",
        "interval",
        "localtime",
        "localtimestamp",
        "not",
        "overlay",
        "position",
        "select",
        "substr",
        "substring",
        "trim",
        "values",
        "xmlparse",
        "any",
        "all",
        "some",
        "grouping",
        "row",
        "listagg",
    ];
    let mut parts = name.split(|b| *b == b'.');
    let good = |part: &[u8]| matches!(part, [b'a'..=b'z' | b'_', rest @ ..] if rest.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_')));
    let (first, second) = (parts.next()?, parts.next());
    if parts.next().is_some() || !good(first) || second.is_some_and(|s| !good(s)) {
        return None;
    }
    let len = first.len();
    if SPECIAL.contains(&&text[..len]) {
        return None;
    }
    let ident =
        |from: usize, to: usize| Ident { value: text[from..to].to_string(), quote_style: None, span: area(from, to) };
    let mut idents = vec![ident(0, len)];
    if second.is_some() {
        idents.push(ident(len + 1, name.len()));
    }
    Some(Expr::Function(Function {
        name: ObjectName::from(idents),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: Vec::new(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }))
}
