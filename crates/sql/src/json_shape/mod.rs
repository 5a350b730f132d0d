//! The shape of a `jsonb` value, and the check that holds it: one predicate over SQL/JSON paths, written as Postgres writes it
//! back, and read back from there.

mod predicate;

use crate::quote;
use predicate::Predicate::{self, And, Any, Differs, Exists, Is, Not, Or};
use predicate::{quoted, unquoted};
use smol_str::SmolStr;
use specc_split::{Lexer, Token, TokenKind};

/// The text of a literal, with escapes or without.
fn plain(literal: &str) -> Option<String> {
    let (literal, escaped) = match literal.strip_prefix(['E', 'e']) {
        Some(rest) => (rest, true),
        None => (literal, false),
    };
    let text = literal.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'");
    Some(if escaped { text.replace("\\\\", "\\") } else { text })
}

/// What a value of JSON is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// Any value.
    Any,
    /// A text.
    Text,
    /// A number without a fraction.
    Whole,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// One of these texts.
    OneOf(Vec<SmolStr>),
    /// A list of such values.
    List(Box<Json>),
    /// An object that has these keys, and may have others.
    Object(Vec<Key>),
}

/// A key of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: SmolStr,
    /// It may be missing, or null.
    pub optional: bool,
    /// Its value.
    pub json: Json,
}

/// The condition that holds a column to a shape. A null passes, as in any check.
pub fn check(column: &str, json: &Json) -> String {
    let mut path = String::new();
    let predicate = fits("$", json);
    predicate.print(&mut path, true);
    format!("jsonb_path_match({}, {}::jsonpath)", quote::ident(column), quote::literal(&path))
}

/// The column that a condition holds, and its shape; none where the condition is something else.
pub fn read(condition: &str) -> Option<(SmolStr, Json)> {
    let tokens: Vec<Token> = Lexer::new(condition).collect::<Result<_, _>>().ok()?;
    let word = |token: &Token| &condition[token.start..token.end];
    let mut tokens = tokens.as_slice();
    let is = |token: &Token, sign: u8| token.kind == TokenKind::Symbol(sign);
    while let [first, inner @ .., last] = tokens
        && is(first, b'(')
        && is(last, b')')
    {
        tokens = inner;
    }
    let [function, open, column, comma, path, cast @ .., close] = tokens else { return None };
    let called = function.is(condition, "jsonb_path_match") && is(open, b'(') && is(comma, b',') && is(close, b')');
    let cast_ok = match cast {
        [] => true,
        [a, b, ty] => is(a, b':') && is(b, b':') && ty.is(condition, "jsonpath"),
        _ => false,
    };
    if !called || !cast_ok || path.kind != TokenKind::Text {
        return None;
    }
    let text = plain(word(path))?;
    let predicate = predicate::read(&text)?;
    Some((column.name(condition)?.into(), shape("$", &predicate)?))
}

impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let optional = |optional: bool| if optional { "?" } else { "" };
        match self {
            Json::Any => f.write_str("jsonb"),
            Json::Text => f.write_str("text"),
            Json::Whole => f.write_str("int"),
            Json::Number => f.write_str("numeric"),
            Json::Bool => f.write_str("boolean"),
            Json::OneOf(labels) => {
                let labels = labels.iter().map(|label| quote::text(label)).collect::<Vec<_>>();
                write!(f, "({})", labels.join(" | "))
            }
            Json::List(of) => write!(f, "{of}[]"),
            Json::Object(keys) if keys.is_empty() => f.write_str("{}"),
            Json::Object(keys) => {
                let one = |key: &Key| format!("{}: {}{}", quote::word(&key.name), key.json, optional(key.optional));
                write!(f, "{{ {} }}", keys.iter().map(one).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl Json {
    /// A value that has this shape, as JSON.
    pub fn example(&self) -> String {
        match self {
            Json::Any => "null".to_owned(),
            Json::Text => "\"a\"".to_owned(),
            Json::Whole | Json::Number => "1".to_owned(),
            Json::Bool => "true".to_owned(),
            Json::OneOf(labels) => labels.first().map_or_else(|| "\"a\"".to_owned(), |label| quoted(label)),
            Json::List(of) => format!("[{}]", of.example()),
            Json::Object(keys) => {
                let one = |key: &Key| format!("{}: {}", quoted(&key.name), key.json.example());
                format!("{{{}}}", keys.iter().map(one).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

fn all(
    parts: impl IntoIterator<Item = Predicate>,
    join: fn(Box<Predicate>, Box<Predicate>) -> Predicate,
) -> Option<Predicate> {
    parts.into_iter().reduce(|a, b| join(Box::new(a), Box::new(b)))
}

fn is_type(path: &str, ty: &str) -> Predicate {
    Is(format!("{path}.type()"), format!("\"{ty}\""))
}

/// What holds of the value at a path.
fn fits(path: &str, json: &Json) -> Predicate {
    let both = |a: Predicate, b: Predicate| And(Box::new(a), Box::new(b));
    match json {
        Json::Any => Exists(path.into()),
        Json::Text => is_type(path, "string"),
        Json::Number => is_type(path, "number"),
        Json::Bool => is_type(path, "boolean"),
        Json::Whole => both(is_type(path, "number"), Is(format!("{path}.floor()"), path.into())),
        Json::OneOf(labels) => match all(labels.iter().map(|label| Is(path.into(), quoted(label))), Or) {
            Some(one) => both(is_type(path, "string"), one),
            None => is_type(path, "string"),
        },
        Json::List(of) => all(list(path, of), And).unwrap_or_else(|| is_type(path, "array")),
        Json::Object(keys) => {
            let key = |key: &Key| {
                let path = format!("{path}.{}", quoted(&key.name));
                let fits = fits(&path, &key.json);
                if !key.optional {
                    return fits;
                }
                let missing = Not(Box::new(Exists(path.clone())));
                let null = Or(Box::new(missing), Box::new(is_type(&path, "null")));
                Or(Box::new(null), Box::new(fits))
            };
            let parts = std::iter::once(is_type(path, "object")).chain(keys.iter().map(key));
            all(parts, And).unwrap_or_else(|| is_type(path, "object"))
        }
    }
}

/// What holds of a list. A filter looks into lists that stand in lists, so what is no list, or one, is told by the types.
fn list(path: &str, of: &Json) -> Vec<Predicate> {
    let mut parts = vec![is_type(path, "array")];
    let (mut path, mut of) = (format!("{path}[*]"), of);
    loop {
        match of {
            Json::Any => return parts,
            Json::List(inner) => {
                parts.push(Not(Box::new(Differs(format!("{path}.type()"), "\"array\"".into()))));
                path.push_str("[*]");
                of = inner;
            }
            other => {
                let wrong = Not(Box::new(fits("@", other)));
                parts.push(Not(Box::new(is_type(&path, "array"))));
                parts.push(Not(Box::new(Any(path, Box::new(wrong)))));
                return parts;
            }
        }
    }
}

/// The inverse of [`list`], from behind its first part.
fn list_of(path: &str, mut parts: &[&Predicate]) -> Option<Json> {
    let (mut path, mut dims) = (format!("{path}[*]"), 1);
    while let [Not(inner), rest @ ..] = parts
        && **inner == Differs(format!("{path}.type()"), "\"array\"".into())
    {
        parts = rest;
        path.push_str("[*]");
        dims += 1;
    }
    let of = match parts {
        [] => Json::Any,
        [Not(none), Not(any)] if **none == is_type(&path, "array") => match &**any {
            Any(of, wrong) if *of == path => match &**wrong {
                Not(inner) => shape("@", inner)?,
                _ => return None,
            },
            _ => return None,
        },
        _ => return None,
    };
    Some((0..dims).fold(of, |of, _| Json::List(Box::new(of))))
}

/// The shape that a predicate holds the value at a path to.
fn shape(path: &str, predicate: &Predicate) -> Option<Json> {
    let typed = |predicate: &Predicate, ty: &str| *predicate == is_type(path, ty);
    match predicate {
        Exists(of) if of == path => Some(Json::Any),
        Is(..) if typed(predicate, "string") => Some(Json::Text),
        Is(..) if typed(predicate, "number") => Some(Json::Number),
        Is(..) if typed(predicate, "boolean") => Some(Json::Bool),
        And(a, b) if typed(a, "number") && **b == Is(format!("{path}.floor()"), path.into()) => Some(Json::Whole),
        And(a, b) if typed(a, "string") => {
            let mut labels = Vec::new();
            let mut at = b;
            while let Or(left, right) = &**at {
                labels.push(label(path, right)?);
                at = left;
            }
            labels.push(label(path, at)?);
            labels.reverse();
            Some(Json::OneOf(labels))
        }
        Is(..) | And(..) => {
            let (mut at, mut parts) = (predicate, Vec::new());
            while let And(left, right) = at {
                parts.push(&**right);
                at = left;
            }
            parts.reverse();
            if typed(at, "array") {
                return list_of(path, &parts);
            }
            let keys = parts.into_iter().map(|part| key(path, part)).collect::<Option<_>>()?;
            typed(at, "object").then_some(Json::Object(keys))
        }
        _ => None,
    }
}

fn label(path: &str, predicate: &Predicate) -> Option<SmolStr> {
    match predicate {
        Is(of, value) if of == path => unquoted(value).map(SmolStr::from),
        _ => None,
    }
}

/// The key that a predicate is about.
fn key(path: &str, predicate: &Predicate) -> Option<Key> {
    if let Or(null, fits) = predicate
        && let Or(missing, null) = &**null
        && let Not(exists) = &**missing
        && let Exists(of) = &**exists
        && **null == is_type(of, "null")
    {
        let name = unquoted(of.strip_prefix(path)?.strip_prefix('.')?)?;
        return Some(Key { name: name.into(), optional: true, json: shape(of, fits)? });
    }
    // What it is about stands at its beginning.
    let mut at = predicate;
    while let And(left, _) = at {
        at = left;
    }
    let of = match at {
        Exists(of) => of.as_str(),
        Is(of, _) => of.strip_suffix(".type()")?,
        _ => return None,
    };
    let name = unquoted(of.strip_prefix(path)?.strip_prefix('.')?)?;
    Some(Key { name: name.into(), optional: false, json: shape(of, predicate)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn object(keys: Vec<(&str, bool, Json)>) -> Json {
        let key = |(name, optional, json): (&str, bool, Json)| Key { name: name.into(), optional, json };
        Json::Object(keys.into_iter().map(key).collect())
    }

    #[test]
    fn a_check_is_one_predicate() {
        let json = object(vec![
            ("theme", false, Json::OneOf(vec!["dark".into(), "it's".into()])),
            ("size", true, Json::Whole),
            ("tags", false, Json::List(Box::new(Json::Text))),
        ]);
        let text = check("settings", &json);
        insta::assert_snapshot!(text);
        assert_eq!(read(&text), Some(("settings".into(), json)));
    }

    #[test]
    fn other_conditions_are_none() {
        for text in [
            "",
            "a > 1",
            "jsonb_path_match(a, '$.a == 1')",
            "jsonb_path_match(a, b)",
            "jsonb_path_match(a, '$.type() == \"object\" x')",
            "(((",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    fn json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Any),
            Just(Json::Text),
            Just(Json::Whole),
            Just(Json::Number),
            Just(Json::Bool),
            prop::collection::vec("[a-z'\"\\\\ é\n\u{1}]{0,4}", 1..4)
                .prop_map(|all| Json::OneOf(all.into_iter().map(Into::into).collect())),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                inner.clone().prop_map(|of| Json::List(Box::new(of))),
                prop::collection::vec(("[a-z'\"\\\\. é\t]{0,4}", any::<bool>(), inner), 0..4).prop_map(|keys| {
                    Json::Object(
                        keys.into_iter()
                            .map(|(name, optional, json)| Key { name: name.into(), optional, json })
                            .collect(),
                    )
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_shape_is_read_back(json in json(), column in "[a-z\" ]{1,6}") {
            let text = check(&column, &json);
            prop_assert_eq!(read(&text), Some((SmolStr::from(column.as_str()), json.clone())), "{}", &text);
            let other = format!("({})", text.replace("::jsonpath", ""));
            prop_assert_eq!(read(&other).map(|(_, json)| json), Some(json));
        }

        #[test]
        fn no_text_ends_the_program(text in "[$@.\"a()!&|= existyp\\[\\]*?]{0,60}") {
            let _ = read(&format!("jsonb_path_match(a, '{text}')"));
        }
    }
}
