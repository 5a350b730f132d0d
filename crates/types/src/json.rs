//! JSON whose keys stay in their order.

use crate::print::json;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    Text(String),
    /// Written as it is: numbers and words.
    Plain(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(crate) fn text(value: impl Into<String>) -> Self {
        Json::Text(value.into())
    }

    pub(crate) fn plain(value: impl ToString) -> Self {
        Json::Plain(value.to_string())
    }

    pub(crate) fn object<K: Into<String>>(fields: impl IntoIterator<Item = (K, Json)>) -> Self {
        Json::Object(fields.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    pub(crate) fn texts<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        Json::List(values.into_iter().map(Json::text).collect())
    }

    /// A reference to another part of the document.
    pub(crate) fn to(part: &str, name: &str) -> Self {
        // As a JSON pointer, in a fragment of an address.
        let mut place = String::new();
        for byte in name.replace('~', "~0").replace('/', "~1").bytes() {
            match byte {
                b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => place.push(char::from(b)),
                b => place.push_str(&format!("%{b:02X}")),
            }
        }
        Json::object([("$ref", Json::text(format!("#/components/{part}/{place}")))])
    }

    /// Adds a field to an object.
    pub(crate) fn with(mut self, key: &str, value: Json) -> Self {
        if let Json::Object(fields) = &mut self {
            fields.push((key.to_owned(), value));
        }
        self
    }

    pub(crate) fn write(&self, out: &mut String, depth: usize) {
        let line = |out: &mut String, depth: usize| {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        };
        match self {
            Json::Text(value) => out.push_str(&json(value)),
            Json::Plain(value) => out.push_str(value),
            Json::List(items) if items.iter().all(|item| matches!(item, Json::Text(_) | Json::Plain(_))) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    item.write(out, depth);
                }
                out.push(']');
            }
            Json::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    line(out, depth + 1);
                    item.write(out, depth + 1);
                }
                line(out, depth);
                out.push(']');
            }
            Json::Object(fields) if fields.is_empty() => out.push_str("{}"),
            Json::Object(fields) => {
                out.push('{');
                for (at, (key, value)) in fields.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    line(out, depth + 1);
                    out.push_str(&json(key));
                    out.push_str(": ");
                    value.write(out, depth + 1);
                }
                line(out, depth);
                out.push('}');
            }
        }
    }
}
