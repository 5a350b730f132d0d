//! Random trees: every item and member, with odd names.

#![allow(dead_code)]

mod items;
mod members;

use items::*;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use specc_syntax::ast::*;

fn at() -> At {
    At::default()
}

fn name_of(text: impl AsRef<str>) -> Name {
    Name { text: text.as_ref().into(), at: at() }
}

/// Plain words, keywords, words that need quotes, unicode, as long as Postgres allows.
pub fn name() -> BoxedStrategy<Name> {
    prop_oneof![
        4 => "[a-z_][a-z0-9_]{0,8}",
        2 => proptest::sample::select(KEYWORDS).prop_map(str::to_owned),
        1 => "[A-Za-z0-9 \"'.$-]{1,12}",
        1 => "[a-zäöüßéñ日本]{1,10}",
        1 => "[a-z]{63}",
        1 => "\\$[a-z_]{1,8}",
    ]
    .prop_map(name_of)
    .boxed()
}

const KEYWORDS: &[&str] = &[
    "key",
    "unique",
    "index",
    "check",
    "status",
    "policy",
    "was",
    "on",
    "to",
    "from",
    "as",
    "when",
    "where",
    "using",
    "include",
    "with",
    "nulls",
    "desc",
    "asc",
    "in",
    "out",
    "entity",
    "enum",
    "use",
    "limit",
    "per",
    "else",
    "promote",
    "by",
    "trigger",
    "workflow",
    "search",
    "case",
    "end",
    "and",
    "or",
    "not",
    "no",
    "all",
    "select",
    "schema",
    "function",
    "after",
    "down",
    "default",
    "identity",
    "generated",
    "deprecated",
    "pii",
    "secret",
    "retain",
    "person",
    "backfill",
    "using",
    "setof",
    "table",
    "public",
    "size",
    "reference",
    "partition",
    "every",
    "distribute",
    "keep",
];

fn qname() -> impl Strategy<Value = QName> {
    (of(name()), name()).prop_map(|(schema, name)| QName { schema, name })
}

fn expr() -> impl Strategy<Value = RawExpr> {
    proptest::sample::select(
        &[
            "a > 0",
            "'it''s'",
            "now()",
            "(a + b) * 2",
            "a = 'x' and (b is null or c <> 'd')",
            "case when a then 'x' else 'y' end",
            "lower(email)",
            "meta ->> 'k' = 'v'",
            "a::text ~ '^[a-z]{2,3}$'",
            "E'a\\'b'",
            "$x$ it's } $x$",
            "not exists s.members (user_id = viewer)",
            "array[1, 2][1]",
            "\"Odd ) name\" <= 5",
            "a = 1\n    and b = 2",
            "-1.5",
            "tags @> '{}'",
            "interval '7 days'",
        ][..],
    )
    .prop_map(|text| RawExpr { text: text.into(), at: at() })
}

fn string() -> impl Strategy<Value = StrLit> {
    "[a-z '\"/*$-]{0,8}".prop_map(|value| StrLit { value: value.into(), at: at() })
}

fn body() -> impl Strategy<Value = SqlBody> {
    (
        proptest::sample::select(&["select 1", " begin return new; end ", "\n  select '{' -- it's\n", ""][..]),
        prop_oneof![Just(""), Just("fn")],
    )
        .prop_map(|(text, tag)| SqlBody { text: text.into(), tag: tag.into(), at: at() })
}

fn doc() -> impl Strategy<Value = Doc> {
    of("[a-zA-Z ./]{0,20}(\n[a-z ]{0,10})?")
        .prop_map(|d| d.map(|d| d.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").into()))
}

fn type_ref() -> impl Strategy<Value = TypeRef> {
    let built_in = proptest::sample::select(
        &["double precision", "timestamp with time zone", "character varying", "interval day to second"][..],
    )
    .prop_map(|text| QName { schema: None, name: name_of(text) });
    (prop_oneof![4 => qname().boxed(), 1 => built_in.boxed()], vec(-5i64..2000, 0..3), 0u8..3, any::<bool>())
        .prop_map(|(name, args, dims, nullable)| TypeRef { name, args, dims, nullable, at: at() })
}

fn setting() -> impl Strategy<Value = Setting> {
    ("[a-z][a-z_]{0,7}", prop_oneof![("[0-9]{1,4}", Just(false)), ("[a-z' ]{0,6}", Just(true))])
        .prop_map(|(name, (value, quoted))| Setting { name: name_of(name), value: value.into(), quoted, at: at() })
}

/// `start 1`, `cycle`
fn counting() -> impl Strategy<Value = Setting> {
    let known = proptest::sample::select(&["start", "increment", "min", "max", "cache"][..]);
    prop_oneof![
        (known, -9i32..999).prop_map(|(n, v)| Setting {
            name: name_of(n),
            value: v.to_string().into(),
            quoted: false,
            at: at()
        }),
        Just(Setting { name: name_of("cycle"), value: "true".into(), quoted: false, at: at() }),
    ]
}

fn element() -> impl Strategy<Value = IndexElement> {
    let column = name().prop_filter("quotes", |n| !n.text.starts_with('"')).prop_map(|n| {
        let plain = n.text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
            && !n.text.starts_with(|c: char| c.is_ascii_digit());
        let plain = plain
            && !(n.text.starts_with('$')
                && (n.text.len() == 1
                    || n.text[1..].contains('$')
                    || n.text[1..].starts_with(|c: char| c.is_ascii_digit())));
        let text = if plain { n.text.to_string() } else { format!("\"{}\"", n.text.replace('"', "\"\"")) };
        (text, true)
    });
    let other = proptest::sample::select(&["lower(a)", "a + b", "a", "x.f(a, (b))", "f(a) + g(b)"][..])
        .prop_map(|t| (t.to_owned(), false));
    (prop_oneof![3 => column.boxed(), 1 => other.boxed()], of(qname()), of(qname()), any::<bool>(), of(any::<bool>()))
        .prop_map(|((text, is_column), collate, opclass, desc, nulls_first)| IndexElement {
            expr: RawExpr { text: text.into(), at: at() },
            is_column,
            collate,
            opclass,
            desc,
            nulls_first,
            at: at(),
        })
}

fn names(min: usize) -> impl Strategy<Value = Vec<Name>> {
    vec(name(), min..3)
}

fn elements() -> impl Strategy<Value = Vec<IndexElement>> {
    vec(element(), 1..3)
}

/// `deferrable`, `initially deferred`: the second implies the first.
fn deferral() -> impl Strategy<Value = (bool, bool)> {
    prop_oneof![Just((false, false)), Just((true, false)), Just((true, true))]
}

/// A file.
pub fn file() -> impl Strategy<Value = SpecFile> {
    let kind = prop_oneof![types().boxed(), structure().boxed(), behaviour().boxed(), access().boxed()];
    let item = (doc(), kind).prop_map(|(doc, kind)| Item { doc, kind, at: at() });
    vec(item, 0..6).prop_map(|items| SpecFile {
        file: FileIdEq::default(),
        items,
        comments: Vec::new(),
        accepts: Vec::new(),
    })
}
