//! What is known of Postgres stands in `specc-facts` and nowhere else, and the statements that are planned with it cost
//! what the servers say.

#![allow(clippy::disallowed_methods)]

use specc_catalog::{Column, DataType};
use specc_facts::{Context, canonical_type, extension_of_type, functions, is_keyword};
use specc_postgres::{Session, shared};
use specc_sql::{TypeChange, type_change};
use specc_tests::{findings, one_text, root};
use std::path::{Path, PathBuf};

/// Lists that may stand where they do: the file, how the list begins, and why.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("sql/src/read_type.rs", "character", "words that `varying` may follow: the grammar of names of types"),
    ("rows/src/domain.rs", "ltree", "a value to make for types of extensions"),
    ("rows/src/domain.rs", "int4range", "a value to make for each range"),
    ("rows/src/fake.rs", "bool", "kinds of made-up values, some of which are called as types are"),
    ("verify/src/fill/value.rs", "macaddr", "a value to write for each type"),
    ("flows/src/select.rs", "count", "the aggregates that the API has, of all that Postgres has"),
    ("expr/src/literal.rs", "array", "what sqlparser reads in a way of its own"),
    ("expr/src/mend.rs", "exclude", "words of forms that sqlparser does not read"),
    ("expr/src/mend.rs", "rows", "where each of them is read"),
    ("expr/src/mend.rs", "character", "the words behind `national`"),
    ("expr/src/place.rs", "double", "the words of one cast, by which its end is found"),
    ("introspect/src/types.rs", "char", "how the modifier of each type is packed into a number"),
    ("model/src/typing/builtins.rs", "", "what to write instead, function by function"),
    ("catalog/src/store.rs", "table", "the keys of the stored form"),
    ("model/src/analyze/items.rs", "extension", "kinds of objects that a `sql` block provides"),
    ("pull/src/render/block.rs", "event trigger", "kinds of objects, as a comment on them names them"),
    ("expr/src/plpgsql.rs", "and", "words before a parenthesis in a body, until bodies are parsed"),
    ("lint/src/read/", "", "words by which the reader of statements goes on: the grammar, not a list of it"),
    ("lint/src/rules/of_type.rs", "in", "words that may stand between a column and a value of it"),
    ("lower/src/access/named.rs", "select", "words that a helper's name leaves out"),
    ("analysis/src/plpgsql/", "", "words by which a body is read"),
    ("analysis/src/strings.rs", "regclass", "what a string of each type names"),
    ("model/src/analyze/partitions.rs", "", "bounds that are compared, and how"),
    ("analysis/src/checks/read.rs", "", "calls that a formula has a word for"),
    ("model/src/analyze/classes/retain.rs", "now", "calls that give the time of the insert"),
    ("runner/src/masked/mod.rs", "", "how a value of each type is written otherwise"),
    ("types/src/rust/mod.rs", "boolean", "the type of Rust for each"),
    ("split/src/", "", "words by which a statement is told apart"),
    ("syntax/src/", "", "words of the language"),
];

/// Lists of at least so many names in a row are found.
const TYPES: usize = 3;
const FUNCTIONS: usize = 3;
const LOCKS: usize = 3;
/// Three words of the grammar are a clause; a list of keywords is longer.
const KEYWORDS: usize = 8;

const LOCK_MODES: [&str; 8] = [
    "access share",
    "row share",
    "row exclusive",
    "share update exclusive",
    "share",
    "share row exclusive",
    "exclusive",
    "access exclusive",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// Literals in a row: `"a", "b"`, `"a" | "b"`, and the patterns of one arm after the other. Comments and tests are no part.
fn rows(text: &str) -> Vec<Vec<String>> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let (mut rows, mut row, mut arm) = (Vec::new(), Vec::new(), false);
    let mut end_of = |row: &mut Vec<String>| {
        let full = std::mem::take(row);
        if full.len() > 1 {
            rows.push(full);
        }
    };
    for line in code.lines() {
        let line = line.trim_start();
        if line.starts_with("//") {
            continue;
        }
        // The value of an arm is no part of the row, the pattern of the next one is.
        let (pattern, is_arm) = line.split_once("=>").map_or((line, false), |(pattern, _)| (pattern, true));
        if (is_arm || arm) && !pattern.starts_with(['"', '|']) {
            end_of(&mut row);
        }
        arm = is_arm;
        let mut pieces = pattern.split('"');
        let mut between = pieces.next().unwrap_or_default();
        while let (Some(literal), Some(after)) = (pieces.next(), pieces.next()) {
            let joined = between.chars().all(|c| c.is_whitespace() || matches!(c, ',' | '|' | '&'));
            if !joined {
                end_of(&mut row);
            }
            row.push(literal.to_owned());
            between = after;
        }
        if !is_arm && !between.chars().all(|c| c.is_whitespace() || matches!(c, ',' | '|')) {
            end_of(&mut row);
        }
    }
    end_of(&mut row);
    rows
}

/// How many in a row are of a kind, at most.
fn longest(row: &[String], is: impl Fn(&str) -> bool) -> usize {
    let runs = row.iter().scan(0, |run, name| {
        *run = if is(name) { *run + 1 } else { 0 };
        Some(*run)
    });
    runs.max().unwrap_or_default()
}

fn what(row: &[String]) -> Option<&'static str> {
    let is_type = |name: &str| canonical_type(name).is_some() || extension_of_type(name).is_some();
    if longest(row, is_type) >= TYPES {
        return Some("types");
    }
    if longest(row, |name| !functions(name).is_empty() && !is_keyword(name) && !is_type(name)) >= FUNCTIONS {
        return Some("functions");
    }
    if longest(row, |name| LOCK_MODES.contains(&name)) >= LOCKS {
        return Some("lock modes");
    }
    (longest(row, is_keyword) >= KEYWORDS).then_some("keywords")
}

#[test]
fn nothing_is_listed_twice() {
    let crates = root().join("crates");
    let mut files = Vec::new();
    sources(&crates, &mut files);
    files.sort();
    let mut used = vec![false; ALLOWED.len()];
    let mut wrong = Vec::new();
    for file in files {
        let name = file.strip_prefix(&crates).expect("below").to_string_lossy().into_owned();
        if name.starts_with("facts/") || !name.contains("/src/") {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("a source");
        for row in rows(&text) {
            let Some(what) = what(&row) else { continue };
            let begins = |of: &str| of.is_empty() || row[0] == of;
            match ALLOWED.iter().position(|(path, of, _)| name.starts_with(path) && begins(of)) {
                Some(at) => used[at] = true,
                None => wrong.push(format!("{name}: {what}: {}", row.join(", "))),
            }
        }
    }
    assert!(wrong.is_empty(), "these lists belong to specc-facts:\n{}", wrong.join("\n"));
    let idle: Vec<_> = ALLOWED.iter().zip(used).filter(|(_, used)| !used).map(|(allowed, _)| allowed).collect();
    assert!(idle.is_empty(), "nothing needs to be allowed here any more: {idle:?}");
}

#[test]
fn a_list_is_found_wherever_it_stands() {
    let found = |text: &str| rows(text).iter().filter_map(|row| what(row)).collect::<Vec<_>>();
    assert_eq!(found(r#"matches!(name, "int" | "bigint" | "numeric")"#), ["types"]);
    assert_eq!(found("const A: &[&str] = &[\n    \"text\",\n    \"varchar\",\n    \"citext\",\n];"), ["types"]);
    let arms = "match n {\n    \"int2\" => 1,\n    \"int4\" | \"oid\" => \"now\",\n    _ => 2,\n}";
    assert_eq!(found(arms), ["types"]);
    assert_eq!(found(r#"["now", "clock_timestamp", "gen_random_uuid"]"#), ["functions"]);
    assert_eq!(found(r#"["share", "exclusive", "access exclusive"]"#), ["lock modes"]);
    assert_eq!(found(r#"["all", "and", "any", "as", "asc", "case", "check", "column"]"#), ["keywords"]);
    assert!(found(r#"f("int", 1, "bigint", 2, "text")"#).is_empty());
    assert!(found("// \"int\", \"bigint\", \"text\"").is_empty());
}

/// Types as they are written, with lengths that are apart.
const WRITTEN: &[&str] = &[
    "smallint",
    "int",
    "bigint",
    "numeric",
    "numeric(10,2)",
    "numeric(12,2)",
    "numeric(12,4)",
    "numeric(8,2)",
    "real",
    "double precision",
    "text",
    "varchar",
    "varchar(5)",
    "varchar(50)",
    "char(5)",
    "char(50)",
    "char",
    "boolean",
    "date",
    "timestamp",
    "timestamp(3)",
    "timestamp(6)",
    "timestamptz",
    "timestamptz(0)",
    "timestamptz(3)",
    "time",
    "time(3)",
    "timetz",
    "interval",
    "interval(3)",
    "bit(3)",
    "bit(5)",
    "bit",
    "varbit",
    "varbit(3)",
    "varbit(5)",
    "inet",
    "cidr",
    "json",
    "jsonb",
    "uuid",
    "bytea",
    "xml",
    "oid",
    "macaddr",
    "macaddr8",
    "money",
    "text[]",
    "varchar(5)[]",
    "varchar(50)[]",
    "varchar[]",
    "numeric(10,2)[]",
    "numeric[]",
    "int[]",
];

fn data_type(written: &str) -> DataType {
    let (bare, dims) = written.strip_suffix("[]").map_or((written, 0), |bare| (bare, 1));
    let (name, args) = bare.split_once('(').unwrap_or((bare, ""));
    let args = args.trim_end_matches(')').split(',').filter_map(|arg| arg.parse().ok()).collect();
    let mut ty = DataType::builtin(name);
    (ty.args, ty.dims) = (args, dims);
    ty
}

/// A table for each type, with an index over its column, or over whether it is null.
fn tables(session: &mut Session, types: &[&str]) {
    for (n, ty) in types.iter().enumerate() {
        session.batch_execute(&format!("create table t{n} (c {ty})")).expect("a table");
        let index = format!("create unique index i{n} on t{n}");
        if session.batch_execute(&format!("{index} (c)")).is_err() {
            session.batch_execute(&format!("{index} ((c is null))")).expect("an index");
        }
    }
}

/// What it costs to change a table's column, or none where Postgres does not do it.
fn measured(session: &mut Session, n: usize, to: &str) -> Option<TypeChange> {
    let files = format!("select pg_relation_filenode('t{n}')::text || ' ' || pg_relation_filenode('i{n}')");
    let old = one_text(session, &files);
    session.batch_execute("begin").expect("a transaction");
    let done = session.batch_execute(&format!("alter table t{n} alter column c type {to}")).is_ok();
    let new = if done { one_text(session, &files) } else { old.clone() };
    session.batch_execute("rollback").expect("taken back");
    let (old, new) = (old.split_once(' ')?, new.split_once(' ')?);
    done.then_some(if old.0 != new.0 {
        TypeChange::Rewrite
    } else if old.1 != new.1 {
        TypeChange::Reindex
    } else {
        TypeChange::Free
    })
}

#[test]
fn changes_of_types_cost_what_is_predicted() {
    let mut wrong = Vec::new();
    for major in [15, 18] {
        let db = shared(major).empty_database().expect("a database");
        let mut session = db.connect().expect("a session");
        session.batch_execute("set timezone = 'Europe/Berlin'").expect("a zone");
        tables(&mut session, WRITTEN);
        for (n, from) in WRITTEN.iter().enumerate() {
            for to in WRITTEN {
                let (a, b) = (data_type(from), data_type(to));
                // Between types, lengths are tried with the first of the kind.
                let tried = a.name == b.name || !from.contains('(');
                let Some(found) = (from != to && tried).then(|| measured(&mut session, n, to)).flatten() else {
                    continue;
                };
                let said = type_change(&Column::new("c", a.clone()), &Column::new("c", b.clone()));
                // Between types more may be predicted than is done, never less.
                if said < found || a.name == b.name && said != found {
                    wrong.push(format!("{major}: {from} to {to}: predicted {said:?}, found {found:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a column of one type refers to, is stored in and is cast to the other.
fn does(session: &mut Session, from: usize, to: usize, name: &str) -> [bool; 3] {
    let mut works = |sql: String| {
        session.batch_execute("begin").expect("a transaction");
        let done = session.batch_execute(&sql).is_ok();
        session.batch_execute("rollback").expect("taken back");
        done
    };
    [
        works(format!("alter table t{from} add foreign key (c) references t{to} (c)")),
        works(format!("insert into t{to} select c from t{from}")),
        works(format!("select c::{name} from t{from}")),
    ]
}

#[test]
fn casts_and_references_are_what_the_servers_do() {
    let open = |major| shared(major).empty_database().expect("a database");
    let (old, new) = (open(15), open(18));
    let (mut old, mut new) = (old.connect().expect("a session"), new.connect().expect("a session"));
    let plain: Vec<&str> = WRITTEN.iter().copied().filter(|w| !w.contains(['(', '['])).collect();
    tables(&mut old, &plain);
    tables(&mut new, &plain);
    let mut wrong = Vec::new();
    for (n, from) in plain.iter().enumerate() {
        for (m, to) in plain.iter().enumerate().filter(|(m, _)| *m != n) {
            let (found, newer) = (does(&mut old, n, m, to), does(&mut new, n, m, to));
            let casts = |context| specc_facts::casts_to(from, to, context);
            let said = [specc_facts::refers(from, to), casts(Context::Assignment), casts(Context::Explicit)];
            for (n, what) in ["refers to", "is stored in", "is cast to"].iter().enumerate() {
                // What only one version does is not relied on.
                if (found[n] && newer[n]) != said[n] {
                    wrong.push(format!("{from} {what} {to}: said {}, found {} and {}", said[n], found[n], newer[n]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lengths_are_taken_as_far_as_is_said() {
    let db = shared(18).empty_database().expect("a database");
    let mut session = db.connect().expect("a session");
    for name in WRITTEN.iter().filter(|w| !w.contains(['(', '['])) {
        let mut takes = |n: i64| session.batch_execute(&format!("select null::{name}({n})")).is_ok();
        match specc_facts::modifiers(name) {
            Some(m) => assert_eq!([m.low - 1, m.low, m.high, m.high + 1].map(takes), limits(name), "{name}"),
            None => assert!(!takes(1), "{name}"),
        }
        let long = one_text(&mut session, &format!("select format_type('{name}'::regtype, null)"));
        assert_eq!(long, specc_facts::server_spelling(name));
    }
}

/// Literals by type, those that Postgres refuses and those that it takes.
const LITERALS: &[(&str, &[&str])] = &[
    (
        "date",
        &["yesterday", "yesterdayx", "today", "2026-02-29", "2024-02-29", "20260131", "Jan 31, 2026", "infinity", "x"],
    ),
    ("timestamptz", &["now", "nowish", "2026-01-31 18:30+00", "2026-13-01", "epoch", "-infinity", "today 18:30"]),
    (
        "time",
        &["18:30", "25:00", "24:00", "24:01", "18:60", "18:30:61", "18:30:60", "now", "noon", "allballs", "6:05 PM"],
    ),
    (
        "interval",
        &["3 days", "3 dayz", "P3D", "1 year 2 mons", "-1 day", "1:30", "1 day ago", "x", "", "3 quarters", "1h 5min"],
    ),
    ("bytea", &["\\x0a", "\\x0", "\\x0g", "\\x 0a 0b", "abc"]),
    ("bit(3)", &["012", "010", "x1"]),
    ("varbit", &["012", "010", "xff"]),
    ("inet", &["10.0.0.1", "10.0.0.256", "10.0.0.0/8", "10.0.0.0/33", "::1", "::1/129", "host"]),
    ("cidr", &["10.0.0.0/8", "10", "10.0/16", "10.0.0.0/33", "::/0", "10.0.0.0.0"]),
    ("boolean", &["yes", "of", "o", "2", "on", "t"]),
    ("int", &["1", " 1 ", "x", "3000000000", "-1", "1.5"]),
    ("uuid", &["00000000-0000-0000-0000-000000000000", "0", "{00000000000000000000000000000000}"]),
    ("text[]", &["{}", "{a,b}", "[]", "a"]),
];

#[test]
fn a_literal_is_refused_only_where_postgres_refuses_it() {
    let mut wrong = Vec::new();
    for major in [15, 18] {
        let db = shared(major).empty_database().expect("a database");
        let mut session = db.connect().expect("a session");
        for (ty, literals) in LITERALS {
            for text in *literals {
                let spec = format!("entity t {{\n  id: int key\n  c: {ty} = '{text}'\n  rls off\n}}\n");
                let refused = findings(&spec).iter().any(|(code, _)| code == "E0202");
                // The length of a value counts when it is stored.
                let made = format!("create temp table t (c {ty} default '{text}'); insert into t default values");
                let server = session.batch_execute(&made).is_err();
                session.batch_execute("drop table if exists t").expect("dropped");
                if refused && !server {
                    wrong.push(format!("{major}: '{text}' is a {ty}"));
                }
                if !refused && server && !LEFT.contains(&(ty, text)) {
                    wrong.push(format!("{major}: '{text}' is no {ty}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What only the server knows.
const LEFT: &[(&str, &str)] = &[];

/// Too precise a moment is a warning, and gets what there is.
fn limits(name: &str) -> [bool; 4] {
    [false, true, true, name.contains("time") || name == "interval"]
}
