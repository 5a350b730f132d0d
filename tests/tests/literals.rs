//! A literal is a value: whatever stands in it and however it is spelled, Postgres evaluates what the author wrote, in
//! every position where a literal can stand.

use proptest::strategy::{Strategy, ValueTree};
use proptest::string::string_regex;
use proptest::test_runner::TestRunner;
use specc_tests::stage::run;
use specc_tests::{Rows, VERSIONS, project, texts};

/// What has broken printers before.
const KNOWN: &[&str] = &[
    "a''b",
    "''",
    "'",
    "\\",
    "\\'",
    "'\\''; drop table public.canary; --",
    "^\\'[A-Z]+\\'$",
    "$$; drop table public.canary; --",
    "/* */ -- x",
    "A Mixed Case",
    "é\u{1F600}",
    "E'x'",
    "%s %% :name ${x}",
    "line\nbreak\ttab",
];

/// The ways to write `value`.
fn spellings(value: &str) -> Vec<String> {
    let plain = format!("'{}'", value.replace('\'', "''"));
    let escaped = value.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\t', "\\t");
    let unicode: String = value
        .chars()
        .map(|c| match c {
            '\\' => "\\\\".to_string(),
            '\'' => "''".to_string(),
            c if c.is_ascii() => c.to_string(),
            c => format!("\\+{:06X}", u32::from(c)),
        })
        .collect();
    let mut all = vec![plain, format!("E'{escaped}'"), format!("U&'{unicode}'")];
    if !value.contains("$q$") && !value.ends_with('$') {
        all.push(format!("$q${value}$q$"));
    }
    all
}

fn values() -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let random = string_regex("[a-zA-Zé'\\\\\"$;%{}\\n -]{1,16}").expect("a pattern");
    let drawn = (0..24).map(|_| random.new_tree(&mut runner).expect("a text").current());
    KNOWN.iter().map(|text| text.to_string()).chain(drawn).collect()
}

fn entity(at: usize, literal: &str) -> String {
    format!(
        "entity t{at} {{
  id: int identity  key
  c: text = {literal}
  g: text generated (replace(c, {literal}, 'x'))
  n: int = 0

  check differs: n = 0 or c <> {literal}
  index (n) where c = {literal}

  policy {{
    by_value:  allow select  when c = {literal}
    by_query:  allow update  when exists (select 1 from canary k where k.c = {literal} and k.n = this.n)
    by_name:   allow delete  when is_{at}(this)
  }}
}}
predicate is_{at}(r: t{at}) = r.c = {literal} or r.c in ({literal}, 'other')
seed base {{ t{at} row{at} {{ c: {literal}, n: 0 }} }}
"
    )
}

#[test]
fn every_literal_is_its_value_everywhere() {
    let mut spec = String::from("entity canary {\n  c: text  key\n  n: int = 0\n}\n");
    let mut rows = Vec::new();
    for value in values() {
        for literal in spellings(&value) {
            spec.push_str(&entity(rows.len(), &literal));
            rows.push((value.clone(), literal));
        }
    }
    let built = project(&spec);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(&mut owner, "the canary lives", "select from public.canary");
        for (at, (value, literal)) in rows.iter().enumerate() {
            let shown = format!("'{}'::text", value.replace('\'', "''"));
            let seeded = texts(&mut owner, &format!("select c from public.t{at}"));
            assert_eq!(seeded, [value.as_str()], "{literal} in a seed");
            let made = format!("insert into public.t{at} default values returning c");
            assert_eq!(texts(&mut owner, &made), [value.as_str()], "{literal} as a default");
            let generated = texts(&mut owner, &format!("select g from public.t{at} limit 1"));
            assert_eq!(generated, ["x"], "{literal} in a generated column");
            let expressions = texts(
                &mut owner,
                &format!(
                    "select pg_get_expr(indpred, indrelid) from pg_index
                       where indrelid = 'public.t{at}'::regclass and indpred is not null
                     union all select pg_get_expr(conbin, conrelid) from pg_constraint
                       where conrelid = 'public.t{at}'::regclass and contype = 'c'
                     union all select pg_get_expr(coalesce(polqual, polwithcheck), polrelid) from pg_policy
                       where polrelid = 'public.t{at}'::regclass"
                ),
            );
            assert_eq!(expressions.len(), 5, "{literal}: an index, a check and three policies");
            for expression in &expressions {
                assert!(expression.contains(&shown), "{literal} became {expression} on {major}");
            }
        }
    }
}

/// A type, and texts that can be read as it.
const READ: &[(&str, &[&str])] = &[
    ("bit(4)", &["0101", "b0101", "xA"]),
    ("varbit(8)", &["0101", "", "xFF"]),
    ("macaddr", &["08:00:2b:01:02:03", "8:0:2b:1:2:3", "08002b:010203", "0800.2b01.0203", "08002b010203"]),
    ("macaddr8", &["08:00:2b:01:02:03:04:05", "08002b:0102030405", "08:00:2b:01:02:03"]),
    ("inet", &["10.0.0.1", "10.0.0.1/8", "10.1/16", "::1", "2001:db8::/32", "::ffff:1.2.3.4/128"]),
    ("cidr", &["10.0.0.0/8", "10/8", "10", "192.168.100.128/25", "2001:4f8:3:ba::/64", "10.1.2.3"]),
    ("money", &["12.34", "$1,000.00", "-$5", "($3.20)"]),
    ("pg_lsn", &["16/B374D848", "0/0", "FFFFFFFF/FFFFFFFF"]),
    ("xid8", &["42"]),
    ("oid", &["42"]),
    ("tid", &["(0,1)"]),
    ("point", &["(1,2)", "1,2", " ( 1.5 , -2e3 ) "]),
    ("box", &["(1,1),(0,0)", "((1,1),(0,0))", "1,1,0,0"]),
    ("line", &["{1,2,3}", "[(0,0),(1,1)]"]),
    ("lseg", &["[(0,0),(1,1)]", "(0,0),(1,1)"]),
    ("path", &["[(0,0),(1,1)]", "((0,0),(1,1))", "(0,0)"]),
    ("polygon", &["((0,0),(1,1),(1,0))", "(0,0),(1,1)"]),
    ("circle", &["<(0,0),5>", "((0,0),5)", "0,0,5"]),
    ("interval", &["1 year 2 months", "P1Y2M3DT4H", "1-2", "3 4:05:06", "@ 1 minute ago", "1 day -00:00:01"]),
    ("interval year to month", &["1-2", "1 year 2 months"]),
    ("interval second(2)", &["1.234"]),
    ("jsonpath", &["$.a", "$", "lax $.a[*] ? (@ > 1)", "strict $.a", "$.a.type()", "\"x\" == $", "!($.a == 1)"]),
    ("tsquery", &["a & b", "fat & (rat | cat)", "!a", "a <-> b", "a <2> b", "a:*", "'two words' & c", "a-b:A", ""]),
    ("tsvector", &["a b", "a:1 b:2A", "'two words' it''s", ""]),
    ("int4range", &["[1,2)", "empty", "(,)", "[1,]", "  [1,5) "]),
    ("numrange", &["[1.5,2)", "(,5]"]),
    ("daterange", &["[2026-01-01,2026-02-01)", "[2026-01-01,)", "[\"2026-01-01\",2026-02-01)"]),
    ("tstzrange", &["[\"2026-01-01 10:00+00\",)", "[2026-01-01 10:00,2026-01-01 11:00)"]),
    ("int4multirange", &["{}", "{[1,2),[5,6)}", "{empty}", "{ [1,2) , (,0] }"]),
    ("datemultirange", &["{[2026-01-01,2026-02-01)}"]),
    ("int[]", &["{1,2}", "{{1,2},{3,4}}", "[0:1]={1,2}", "{null,1}", "{}"]),
    ("text[]", &["{a,\"b c\",null}", "{\"a\\\"b\",a\\,b}"]),
    ("box[]", &["{(1,1),(0,0);(2,2),(1,1)}"]),
    ("int4range[]", &["{\"[1,2)\",empty}"]),
    ("bytea", &["\\xdead", "abc", "a\\\\b", "a\\001b"]),
    ("regprocedure", &["pg_catalog.lower(text)", "now()"]),
    ("regoperator", &["+(integer,integer)"]),
    ("regnamespace", &["pg_catalog"]),
    ("numeric(5,2)", &["123.456", "NaN", "0012"]),
];

/// A type, and texts that cannot be read as it.
const NOT_READ: &[(&str, &[&str])] = &[
    ("bit(4)", &["01012", "010", "xG"]),
    ("varbit(2)", &["012", "xZ", "0101"]),
    ("macaddr", &["08:00:2b:01:02", "08:00:2b:01:02:0g", "xyz"]),
    ("macaddr8", &["08:00", "zz"]),
    ("inet", &["10.0.0.256", "abc", "10.0.0.1/33", "::g", "1.2.3", "1:2:3"]),
    ("cidr", &["10.0.0.1/8", "abc", "10.0.0.0/33", "2001:db8::1/32"]),
    ("money", &["abc"]),
    ("pg_lsn", &["16B374D848", "x/y", "1/123456789"]),
    ("oid", &["abc"]),
    ("tid", &["0,1", "(0)", "(a,b)"]),
    ("point", &["(1)", "abc", "(1,2", "(1,2,3)", "1 2"]),
    ("box", &["(1,1)", "abc"]),
    ("line", &["{1,2}", "{0,0,1}", "abc", "[(1,1),(1,1)]"]),
    ("lseg", &["(0,0)", "abc"]),
    ("path", &["abc", "[]", "(1,2,3)"]),
    ("polygon", &["abc", "(1,2,3)"]),
    ("circle", &["(0,0)", "<(0,0),-5>", "abc"]),
    ("interval", &["abc", "1 yearz"]),
    ("interval year to month", &["abc"]),
    ("jsonpath", &["$.", "abc def", "", "$.a ? (", "a", "$.a ? (@ == \"x)"]),
    ("tsquery", &["a b", "a &", "(a", "& a", "a <-> ", "(a | b):*"]),
    ("tsvector", &["'a"]),
    ("int4range", &["1,2", "[2,1)", "[1,2", "[a,b)", "[1,2,3)"]),
    ("daterange", &["[x,y)", "[2026-02-01,2026-01-01)"]),
    ("tstzrange", &["[2026-01-02,2026-01-01)", "[x,y)"]),
    ("int4multirange", &["[1,2)", "{1,2}", "{[2,1)}", "{[1,2)"]),
    ("datemultirange", &["{[x,y)}"]),
    ("int[]", &["{1,a}", "1", "{1,2", "{1,,2}", "{1}x", "{{1,2},{a,b}}"]),
    ("text[]", &["{\"a}"]),
    ("point[]", &["{\"(1)\"}"]),
    ("int4range[]", &["{\"[2,1)\"}"]),
    ("bytea", &["\\xzz", "\\x1", "a\\b"]),
    ("regrole", &["postgres"]),
    ("regprocedure", &["lower"]),
    ("regnamespace", &["a.b"]),
    ("numeric(5,2)", &["12345", "abc"]),
];

/// What is read is what Postgres reads, and what is refused Postgres refuses.
#[test]
fn texts_of_rare_types_are_read_as_postgres_reads_them() {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let each = |list: &'static [(&'static str, &'static [&'static str])]| {
        list.iter().flat_map(|(ty, texts)| texts.iter().map(move |text| (*ty, quoted(text))))
    };
    let spec = |ty: &str, text: &str| format!("entity t {{ id: int key, c: {ty}? = {text}, rls off }}\n");
    let errors = |ty: &str, text: &str| -> Vec<(String, String)> {
        specc_tests::findings(&spec(ty, text)).into_iter().filter(|(code, _)| code.starts_with('E')).collect()
    };
    for (ty, text) in each(READ) {
        assert_eq!(errors(ty, &text), [], "{ty} {text}");
    }
    for (ty, text) in each(NOT_READ) {
        assert!(errors(ty, &text).len() == 1, "{ty} {text}: {:?}", errors(ty, &text));
    }
    let empty = project("entity t { id: int key, rls off }\n");
    for major in VERSIONS {
        let db = empty.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        let mut made = |ty: &str, text: &str| {
            let sql = format!(
                "create temp table c (a int, c {ty} default {text}); insert into c (a) values (1); drop table c"
            );
            owner
                .batch_execute(&format!("begin; {sql}; rollback"))
                .inspect_err(|_| drop(owner.batch_execute("rollback")))
        };
        for (ty, text) in each(READ) {
            assert!(made(ty, &text).is_ok(), "{major} does not read {ty} {text}");
        }
        for (ty, text) in each(NOT_READ) {
            assert!(made(ty, &text).is_err(), "{major} reads {ty} {text}");
        }
    }
}
