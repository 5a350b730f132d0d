//! A database that has everything, as it is read; and made again from that, it is the same.

#![allow(clippy::print_stdout)]

mod support;

use specc_catalog::{Catalog, to_json};
use specc_introspect::Introspected;
use specc_postgres::shared;
use support::{Ground, again, load, read};

fn loaded(major: u32, text: &str) -> Introspected {
    let (_db, mut session) =
        load(shared(major), Ground::Plain, text).unwrap_or_else(|error| panic!("{major}: {error}"));
    read(&mut session)
}

fn same_again(major: u32, catalog: &Catalog) {
    let found = again(shared(major), Ground::Plain, catalog).unwrap_or_else(|error| panic!("{major}: {error}"));
    assert!(found.is_empty(), "{major}: made again it is not the same:\n{}", found.join("\n"));
}

/// All that was read, an object a line, and what was not.
fn shown(found: &Introspected) -> String {
    let mut out = to_json(&found.catalog);
    for left in &found.left_out {
        out.push_str(&format!("left out: {}: {}\n", left.what, left.why));
    }
    out
}

#[test]
fn everything_on_15() {
    let found = loaded(15, include_str!("everything.sql"));
    insta::assert_snapshot!("everything_15", shown(&found));
    same_again(15, &found.catalog);
}

#[test]
fn everything_on_18() {
    let found = loaded(18, include_str!("everything.sql"));
    insta::assert_snapshot!("everything_18", shown(&found));
    same_again(18, &found.catalog);
}

#[test]
fn what_only_18_has() {
    let found = loaded(18, include_str!("newer.sql"));
    insta::assert_snapshot!(shown(&found));
    same_again(18, &found.catalog);
}
