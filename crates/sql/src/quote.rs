//! The one place that quotes identifiers and literals.

use std::borrow::Cow;

/// Words that cannot stand as a bare column or table name.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "json",
    "json_array",
    "json_arrayagg",
    "json_exists",
    "json_object",
    "json_objectagg",
    "json_query",
    "json_scalar",
    "json_serialize",
    "json_table",
    "json_value",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "merge_action",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
];

/// By first letter: a bit for each length that a reserved word has. Most names are told apart by that alone.
const LENGTHS: [u32; 26] = {
    let mut lengths = [0; 26];
    let mut at = 0;
    while at < RESERVED.len() {
        let word = RESERVED[at].as_bytes();
        lengths[(word[0] - b'a') as usize] |= 1 << word.len();
        at += 1;
    }
    lengths
};

fn is_reserved(name: &str) -> bool {
    let first = name.bytes().next().and_then(|b| LENGTHS.get(usize::from(b.wrapping_sub(b'a'))));
    name.len() < 32
        && first.is_some_and(|lengths| lengths >> name.len() & 1 == 1)
        && RESERVED.binary_search(&name).is_ok()
}

/// Whether `name` has to be quoted to mean itself.
pub fn needs_quotes(name: &str) -> bool {
    let mut bytes = name.bytes();
    let plain = bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_')
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    !plain || is_reserved(name)
}

/// `name` as an identifier: bare where that is safe.
pub fn ident(name: &str) -> Cow<'_, str> {
    if needs_quotes(name) { Cow::Owned(format!("\"{}\"", name.replace('"', "\"\""))) } else { Cow::Borrowed(name) }
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
    while body.contains(tag.trim_end_matches('$')) && tag != "$$" || tag == "$$" && body.contains("$$") {
        n += 1;
        tag = format!("$body{}$", if n == 1 { String::new() } else { n.to_string() });
    }
    format!("{tag}{body}{tag}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_sorted_so_that_the_search_finds_them() {
        assert!(RESERVED.is_sorted());
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
    }
}
