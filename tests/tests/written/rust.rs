//! Structs of Rust: what is written for the specs, and that the compiler takes it.
//!
//! The ignored test makes a crate of all of it: `cargo test -p specc-tests --test all -- --ignored written::rust`.

use super::{catalog_of, written};
use specc_postgres::{Database, shared};
use specc_tests::{root, specs};
use specc_types::Options;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

/// Schemas in plain SQL, and which of their schemas are written.
const PLAIN: &[(&str, &[&str])] = &[
    ("kinds", &["public", "billing", "private"]),
    ("names", &["public", "Odd Schema", "z-last"]),
    ("traps", &["public"]),
];

/// What the crate that has the file depends on.
const MANIFEST: &str = r#"[package]
name = "scratch"
version = "0.1.0"
edition = "2024"

[workspace]

[dependencies]
chrono = { version = "0.4", default-features = false, features = ["serde", "std"] }
rust_decimal = { version = "1", features = ["serde"] }
serde = { version = "1", features = ["derive"] }
serde_json = "1"
sqlx = { version = "0.8", default-features = false, features = ["chrono", "derive", "json", "postgres", "rust_decimal", "uuid"] }
uuid = { version = "1", features = ["serde"] }
"#;

fn plain(name: &str) -> Database {
    let db = shared(18).empty_database().expect("a database");
    db.load(&fs::read_to_string(root().join(format!("fixtures/types/{name}.sql"))).expect("a schema"))
        .expect("it loads");
    db
}

fn of(name: &str, schemas: &[&str]) -> specc_types::Types {
    let options = Options { schemas: schemas.iter().map(|schema| (*schema).into()).collect(), strict: false };
    specc_types::rust(&catalog_of(&plain(name)), &specc_catalog::Catalog::new(), &options).expect("the structs")
}

#[test]
fn the_structs_of_the_specs() {
    for name in specs() {
        insta::assert_snapshot!(format!("rust_{name}"), written(&name, &["--lang", "rust"]));
    }
}

#[test]
fn the_structs_of_schemas_in_plain_sql() {
    for (name, schemas) in PLAIN {
        let types = of(name, schemas);
        insta::assert_snapshot!(format!("rust_plain_{name}"), format!("{}\n\n{}", types.beyond.join("\n"), types.text));
    }
}

#[test]
#[ignore = "compiles crates of others"]
fn the_compiler_takes_the_structs() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("src")).expect("a folder");
    fs::write(dir.path().join("Cargo.toml"), MANIFEST).expect("a file");
    let mut lib = String::from("#![deny(warnings)]\n");
    let mut add = |name: &str, text: &str| {
        let _ = writeln!(lib, "pub mod {name};");
        fs::write(dir.path().join(format!("src/{name}.rs")), text).expect("a file");
    };
    for name in specs() {
        add(&name, &written(&name, &["--lang", "rust"]));
    }
    for (name, schemas) in PLAIN {
        add(&format!("plain_{name}"), &of(name, schemas).text);
    }
    fs::write(dir.path().join("src/lib.rs"), lib).expect("a file");
    let done =
        Command::new("cargo").args(["check", "--quiet"]).current_dir(dir.path()).output().expect("cargo is there");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
