//! What is written for programs besides TypeScript: schemas of zod, structs of Rust, documents of OpenAPI, metadata for generators.

#![allow(clippy::disallowed_methods)]

mod metadata;
mod openapi;
mod rust;
mod traps;
mod values;
mod zod;

use specc_catalog::Catalog;
use specc_postgres::Database;
use specc_tests::root;

/// What `specc types` writes for a spec under `specs/`.
fn written(name: &str, args: &[&str]) -> String {
    let dir = tempfile::tempdir().expect("a folder");
    let (file, project) = (dir.path().join("written"), root().join("specs").join(name));
    let text = |path: &std::path::Path| path.to_str().expect("a path").to_owned();
    let mut all: Vec<String> = ["specc", "types"].iter().chain(args).map(|arg| (*arg).to_owned()).collect();
    all.extend(["--project".to_owned(), text(&project), "-o".to_owned(), text(&file)]);
    let code = specc::run(&all);
    assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS), "{all:?}");
    std::fs::read_to_string(file).expect("the file")
}

/// The catalog of a database.
fn catalog_of(db: &Database) -> Catalog {
    let mut session = db.connect().expect("a session");
    specc_introspect::introspect(&mut session, &specc_introspect::Options::default()).expect("a catalog").catalog
}
