//! The one place that quotes identifiers and literals.

pub use specc_facts::needs_quotes;
use std::borrow::Cow;

/// `name` as an identifier: bare where that is safe.
pub fn ident(name: &str) -> Cow<'_, str> {
    if needs_quotes(name) { Cow::Owned(format!("\"{}\"", name.replace('"', "\"\""))) } else { Cow::Borrowed(name) }
}

/// The name of a function that is called by its bare name, which may be a word of the grammar, such as `coalesce`.
pub fn word(name: &str) -> Cow<'_, str> {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain { Cow::Borrowed(name) } else { ident(name) }
}

/// Appends `name` as an identifier.
pub fn push_ident(out: &mut String, name: &str) {
    if !needs_quotes(name) {
        return out.push_str(name);
    }
    out.push('"');
    for (n, part) in name.split('"').enumerate() {
        out.push_str(if n == 0 { "" } else { "\"\"" });
        out.push_str(part);
    }
    out.push('"');
}

/// Names as the value of a setting that lists some, as the server writes it.
pub fn list(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    names.into_iter().map(|name| ident(name.as_ref()).into_owned()).collect::<Vec<_>>().join(", ")
}

/// Appends `schema.name`, or `name` where the schema is empty.
pub fn push_qualified(out: &mut String, schema: &str, name: &str) {
    if !schema.is_empty() {
        push_ident(out, schema);
        out.push('.');
    }
    push_ident(out, name);
}

/// Appends `text` as a string literal.
pub fn push_literal(out: &mut String, text: &str) {
    if text.bytes().any(|b| matches!(b, b'\\' | b'\'' | b'\r')) {
        return out.push_str(&literal(text));
    }
    out.push('\'');
    out.push_str(text);
    out.push('\'');
}

/// `schema.name`, or `name` where the schema is empty.
pub fn qualified(schema: &str, name: &str) -> String {
    if schema.is_empty() { ident(name).into_owned() } else { format!("{}.{}", ident(schema), ident(name)) }
}

/// A string as an author writes one: a backslash stands for itself, as Postgres shows it too.
pub fn text(text: &str) -> String {
    if text.contains('\r') { literal(text) } else { format!("'{}'", text.replace('\'', "''")) }
}

/// `text` as a string literal; with a backslash in it, as an escape string, so that no setting changes its meaning.
pub fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    // The end of a line is one character wherever text is read, and so the other one is said in words.
    if text.contains(['\\', '\r']) {
        format!("E'{}'", doubled.replace('\\', "\\\\").replace('\r', "\\r"))
    } else {
        format!("'{doubled}'")
    }
}

/// `body` between dollar signs, with a tag that does not occur in it.
pub fn dollar(body: &str) -> String {
    let mut tag = String::from("$$");
    let mut n = 0;
    // The plain one would also end early where the body ends with a dollar sign.
    while body.contains(tag.trim_end_matches('$')) && tag != "$$"
        || tag == "$$" && (body.contains("$$") || body.ends_with('$'))
    {
        n += 1;
        tag = format!("$body{}$", if n == 1 { String::new() } else { n.to_string() });
    }
    format!("{tag}{body}{tag}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_can_be_read_again() {
        let names = ["a", "x, y", "it's", "q\"q", "$user", "select"];
        assert_eq!(list(names), "a, \"x, y\", \"it's\", \"q\"\"q\", \"$user\", \"select\"");
        assert_eq!(specc_facts::listed_names(&list(names)), names);
    }

    #[test]
    fn quotes_only_what_needs_it() {
        assert_eq!(ident("events"), "events");
        assert_eq!(ident("user"), "\"user\"");
        assert_eq!(ident("createdAt"), "\"createdAt\"");
        assert_eq!(ident("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\b'"), "E'a\\\\b'''");
        assert_eq!(dollar("select $$x$$"), "$body$select $$x$$$body$");
        assert_eq!(dollar("select $"), "$body$select $$body$");
    }
}
