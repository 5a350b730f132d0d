//! The types of a schema are those that Supabase's own command writes for its database: of the specs, from the spec alone and
//! from their databases, and of schemas in plain SQL with every kind of object and with names that are hard to write.
//!
//! What the command writes is kept in `fixtures/types`. The ignored test asks it again, and TypeScript's compiler too:
//! `cargo test -p specc-tests --test types -- --ignored` (`TYPES_UPDATE=1` writes the files anew).

#![allow(clippy::disallowed_methods)]

use specc_postgres::{Database, shared};
use specc_tests::forward::forward;
use specc_tests::{Rows, VERSIONS, database, each_version, root, specs};
use specc_types::{Options, difference, typescript};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Schemas in plain SQL, and which of their schemas are written.
const PLAIN: &[(&str, &[&str])] = &[
    ("kinds", &["public"]),
    ("kinds", &["public", "billing", "private"]),
    ("names", &["public"]),
    ("names", &["public", "Odd Schema", "z-last"]),
    ("views", &["public"]),
    ("views", &["public", "other"]),
];

/// The version of npm's package `supabase` that the files are of.
const CLI: &str = "supabase@3.1.0";

fn folder() -> PathBuf {
    root().join("fixtures/types")
}

/// The file of what the command writes.
fn fixture(name: &str, schemas: &[&str]) -> PathBuf {
    let more: String = schemas.iter().skip(1).map(|_| "_all").take(1).collect();
    folder().join(format!("{name}{more}.ts"))
}

/// A new database with a schema in plain SQL.
fn plain(name: &str, major: u32) -> Database {
    let db = shared(major).empty_database().expect("a database");
    let text = fs::read_to_string(folder().join(format!("{name}.sql"))).expect("a schema");
    db.load(&text).expect("it loads");
    db
}

/// The types of a database.
fn of_database(db: &Database, schemas: &[&str]) -> String {
    let mut session = db.connect().expect("a session");
    let found = specc_introspect::introspect(&mut session, &specc_introspect::Options::default()).expect("a catalog");
    let options = Options { schemas: schemas.iter().map(|schema| (*schema).into()).collect() };
    let types = typescript(&found.catalog, &options).expect("the schemas");
    assert!(types.doubts.is_empty(), "{:?}", types.doubts);
    types.text
}

fn same(file: &Path, text: &str, what: &str) {
    let kept = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    if let Some(found) = difference(&kept, text) {
        panic!("{what}, {}: {found:#?}", file.display());
    }
}

#[test]
fn the_types_of_a_spec_are_those_of_its_database() {
    for name in specs() {
        let file = fixture(&name, &["public"]);
        let (project, file) = (root().join("specs").join(&name), file.to_str().expect("a path").to_owned());
        let code = specc::run(["specc", "types", "--project", project.to_str().expect("a path"), "--check", &file]);
        assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS), "{name}");
        each_version(&name, Rows::Base, |db| same(Path::new(&file), &of_database(&db, &["public"]), &name));
    }
}

#[test]
fn the_types_of_a_schema_in_plain_sql_are_those_of_its_database() {
    for (name, schemas) in PLAIN {
        for major in VERSIONS {
            same(&fixture(name, schemas), &of_database(&plain(name, major), schemas), name);
        }
    }
}

/// A folder with the command and TypeScript's compiler.
fn programs() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent", CLI, "typescript@5.9.3"]).current_dir(dir.path());
    assert!(npm.status().expect("npm is there").success(), "npm installs");
    dir
}

/// What the command writes of a database.
fn written(programs: &Path, db: &Database, schemas: &[&str]) -> String {
    let port = forward(db.config("postgres"));
    let url = format!("postgresql://postgres@127.0.0.1:{port}/{}?sslmode=disable", db.name());
    let mut command = Command::new(programs.join("node_modules/.bin/supabase"));
    command
        .args(["gen", "types", "--lang", "typescript", "--schema", &schemas.join(",")])
        .arg(format!("--remote={url}"));
    let done = command.output().expect("the command runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("UTF-8")
}

/// Keeps what the command writes, or compares it with what is kept.
fn keep(file: &Path, text: &str) {
    if std::env::var_os("TYPES_UPDATE").is_some() {
        fs::write(file, text).expect("a file");
    }
    assert!(fs::read_to_string(file).expect("the file") == text, "{} is not what {CLI} writes", file.display());
}

#[test]
#[ignore = "installs programs by npm"]
fn the_files_are_what_the_command_writes_and_the_compiler_takes_ours() {
    let programs = programs();
    let mut ours = Vec::new();
    let mut take = |name: String, text: String| {
        fs::write(programs.path().join(format!("{name}.ts")), text).expect("a file");
        ours.push(format!("{name}.ts"));
    };
    for name in specs() {
        let db = database(&name, 15, Rows::Base);
        keep(&fixture(&name, &["public"]), &written(programs.path(), &db, &["public"]));
        take(name, of_database(&db, &["public"]));
    }
    for (at, (name, schemas)) in PLAIN.iter().enumerate() {
        let db = plain(name, 18);
        keep(&fixture(name, schemas), &written(programs.path(), &db, schemas));
        take(format!("{name}_{at}"), of_database(&db, schemas));
    }
    let mut compiler = Command::new(programs.path().join("node_modules/.bin/tsc"));
    let done = compiler.args(["--noEmit", "--strict", "--target", "esnext"]).args(&ours).current_dir(programs.path());
    let done = done.output().expect("the compiler runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}
