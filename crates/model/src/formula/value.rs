//! Constants: read once, written by one function.

use smol_str::SmolStr;
use specc_sql::quote;
use sqlparser::ast;

/// A constant as a value, whatever its spelling was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`
    Null,
    /// `true`, `false`
    Boolean(bool),
    /// As written: `1.50` is not `1.5`.
    Number(SmolStr),
    /// A string; what its escapes and doubled quotes stand for.
    Text(SmolStr),
    /// The same, written with `E`.
    Escaped(SmolStr),
    /// Between dollar quotes: the tag and the text.
    Dollar(SmolStr, SmolStr),
    /// `b'101'`
    Bits(SmolStr),
    /// `x'1F'`
    Hex(SmolStr),
    /// `n'…'`
    National(SmolStr),
    /// `$1`
    Placeholder(SmolStr),
}

impl Value {
    /// The value of a literal in a tree.
    pub(crate) fn of(value: &ast::Value) -> Self {
        use ast::Value as V;
        match value {
            V::Null => Value::Null,
            V::Boolean(b) => Value::Boolean(*b),
            V::Number(digits, _) => Value::Number(digits.as_str().into()),
            V::UnicodeStringLiteral(text) => Value::Text(text.as_str().into()),
            V::EscapedStringLiteral(text) => Value::Escaped(text.as_str().into()),
            V::DollarQuotedString(text) => {
                Value::Dollar(text.tag.as_deref().unwrap_or_default().into(), text.value.as_str().into())
            }
            V::SingleQuotedByteStringLiteral(digits) => Value::Bits(digits.as_str().into()),
            V::HexStringLiteral(digits) => Value::Hex(digits.as_str().into()),
            V::NationalStringLiteral(text) => Value::National(text.as_str().into()),
            V::Placeholder(name) => Value::Placeholder(name.as_str().into()),
            other => Value::Text(other.clone().into_string().unwrap_or_default().into()),
        }
    }

    /// The text that it is, where it is a string.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) | Value::Escaped(text) | Value::Dollar(_, text) | Value::National(text) => Some(text),
            _ => None,
        }
    }

    /// Its SQL.
    pub fn sql(&self) -> String {
        match self {
            Value::Null => "null".into(),
            Value::Boolean(b) => b.to_string(),
            Value::Number(digits) => digits.to_lowercase(),
            Value::Text(text) => quote::text(text),
            Value::Escaped(text) => escaped(text),
            Value::Dollar(tag, text) => format!("${tag}${text}${tag}$"),
            Value::Bits(digits) => format!("b{}", quote::text(digits)),
            Value::Hex(digits) => format!("x{}", quote::text(digits)),
            Value::National(text) => format!("n{}", quote::text(text)),
            Value::Placeholder(name) => name.to_string(),
        }
    }
}

/// `E'…'`, with an escape for everything that means something in it.
fn escaped(text: &str) -> String {
    let mut out = String::from("E'");
    for c in text.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}
