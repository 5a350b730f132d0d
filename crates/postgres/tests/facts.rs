//! The tables of `crates/facts` hold what Postgres 15 and 18 say of themselves. `FACTS_UPDATE=1` writes them.

#![allow(clippy::disallowed_methods)]

use specc_postgres::{Session, shared};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

const OLD: u32 = 15;
const NEW: u32 = 18;

/// Extensions whose types, functions and operators are in the tables.
const EXTENSIONS: &[&str] = &[
    "autoinc",
    "bloom",
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dict_int",
    "earthdistance",
    "fuzzystrmatch",
    "hstore",
    "insert_username",
    "intarray",
    "isn",
    "lo",
    "ltree",
    "moddatetime",
    "pg_stat_statements",
    "pg_trgm",
    "pgcrypto",
    "refint",
    "seg",
    "tablefunc",
    "tcn",
    "unaccent",
    "uuid-ossp",
    "vector",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../facts/data")
}

/// The queries by part, in the order of the file.
fn parts() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(folder().join("facts.sql")).expect("the queries");
    let parts = text.split("\n-- part: ").skip(1);
    parts.map(|part| part.split_once('\n').expect("a query")).map(|(n, q)| (n.to_owned(), q.to_owned())).collect()
}

/// Rows of a key and a word, in the server's order.
type Rows = Vec<(String, String)>;

fn read(session: &mut Session, query: &str) -> Rows {
    let rows = session.query(query, &[]).expect("the facts");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn of_version(major: u32) -> BTreeMap<String, Rows> {
    let db = shared(major).empty_database().expect("a database");
    let platform = shared(major).platform_database().expect("a database");
    let mut session = db.connect_superuser().expect("a session");
    let mut of_platform = platform.connect_superuser().expect("a session");
    for name in EXTENSIONS {
        session.batch_execute(&format!("create extension if not exists \"{name}\" cascade")).expect(name);
    }
    let mut found = BTreeMap::new();
    for (part, query) in parts() {
        if part == "prepare" {
            session.batch_execute(&query).expect("helpers");
            of_platform.batch_execute(&query).expect("helpers");
        } else {
            let session = if part.starts_with("platform_") { &mut of_platform } else { &mut session };
            found.insert(part, read(session, &query));
        }
    }
    found
}

/// One line for each key, with all of its words; what only one version has is marked with it.
fn merge(old: &Rows, new: &Rows) -> String {
    let set = |rows: &Rows| rows.iter().cloned().collect::<BTreeSet<_>>();
    let (in_old, in_new) = (set(old), set(new));
    let mut lines: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let mut add = |(key, word): &(String, String), version: Option<u32>| {
        let mark = version.map_or_else(String::new, |v| format!("@{v}"));
        let sorted = match key.split_once(' ') {
            Some((extension, name)) => (name.to_owned(), extension.to_owned()),
            None => (key.clone(), String::new()),
        };
        lines.entry(sorted).or_default().push(format!("{word}{mark}"));
    };
    new.iter().for_each(|row| add(row, (!in_old.contains(row)).then_some(NEW)));
    old.iter().filter(|row| !in_new.contains(*row)).for_each(|row| add(row, Some(OLD)));
    let mut out = String::new();
    for ((name, extension), words) in lines {
        let key = if extension.is_empty() { name } else { format!("{extension} {name}") };
        let words: String = words.iter().filter(|w| !w.is_empty()).map(|w| format!(" {w}")).collect();
        writeln!(out, "{key}{words}").expect("text");
    }
    out
}

#[test]
fn the_tables_are_what_the_servers_say() {
    let (old, new) = std::thread::scope(|scope| {
        let old = scope.spawn(|| of_version(OLD));
        let new = of_version(NEW);
        (old.join().expect("what the old one says"), new)
    });
    let update = std::env::var_os("FACTS_UPDATE").is_some();
    for (part, rows) in &new {
        let text = merge(&old[part], rows);
        let path = folder().join(format!("{part}.txt"));
        if update {
            std::fs::write(&path, text).expect("a table");
            continue;
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        let changed = text.lines().zip(kept.lines()).find(|(a, b)| a != b);
        assert!(kept == text, "{part}.txt differs; `FACTS_UPDATE=1` writes it anew. First: {changed:?}");
    }
}
