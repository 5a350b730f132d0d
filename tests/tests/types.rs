//! The types of a schema are those that Supabase's own command writes for its database, byte for byte as the formatter lays
//! them out that the command names: of the specs, from the spec alone and from their databases, and of schemas in plain SQL with
//! every kind of object and with names that are hard to write.
//!
//! What the command writes is kept in `fixtures/types`. The ignored test asks it again, and TypeScript's compiler too:
//! `cargo test -p specc-tests --test all -- --ignored types::` (`TYPES_UPDATE=1` writes the files anew).

#![allow(clippy::disallowed_methods)]

use specc_catalog::{Catalog, MARK};
use specc_postgres::{Database, shared};
use specc_tests::forward::forward;
use specc_tests::{Rows, VERSIONS, database, each_version, root, specs};
use specc_types::{Options, difference, typescript};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Schemas in plain SQL, and which of their schemas are written.
const PLAIN: &[(&str, &[&str])] = &[
    ("kinds", &["public"]),
    ("kinds", &["public", "billing", "private"]),
    ("names", &["public"]),
    ("names", &["public", "Odd Schema", "z-last"]),
    ("views", &["public"]),
    ("views", &["public", "other"]),
];

/// The version of npm's package `supabase` that the files are of, and that of the formatter.
const CLI: &str = "supabase@3.1.0";
const FORMATTER: &str = "oxfmt@0.79.0";

/// Has the formatter lay out a file in the way in which Supabase's generator asks it to.
const FORMAT: &str = r#"
import { format } from "oxfmt"
import { readFileSync } from "fs"
const { code, errors } = await format("types.ts", readFileSync(0, "utf8"), { semi: false, printWidth: 80 })
if (errors.length > 0) throw new Error(JSON.stringify(errors))
process.stdout.write(code)
"#;

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
fn of_database(db: &Database, schemas: &[&str], strict: bool) -> String {
    let mut session = db.connect().expect("a session");
    let found = specc_introspect::introspect(&mut session, &specc_introspect::Options::default()).expect("a catalog");
    let options = Options { schemas: schemas.iter().map(|schema| (*schema).into()).collect(), strict };
    let types = typescript(&found.catalog, &Catalog::new(), &options).expect("the schemas");
    assert!(types.doubts.is_empty(), "{:?}", types.doubts);
    types.text
}

fn same(file: &Path, text: &str, what: &str) {
    let kept = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    if let Some(found) = difference(&kept, text) {
        panic!("{what}, {}: {found:#?}", file.display());
    }
    let (mark, own) = text.split_once("\n\n").expect("a mark");
    assert_eq!(mark, format!("// {MARK}"));
    let line = kept.lines().zip(own.lines()).find(|(kept, own)| kept != own);
    assert!(kept == own, "{what} is laid out in another way: {line:#?}");
}

#[test]
fn the_types_of_a_spec_are_those_of_its_database() {
    for name in specs() {
        let file = fixture(&name, &["public"]);
        let (project, file) = (root().join("specs").join(&name), file.to_str().expect("a path").to_owned());
        let code = specc::run(["specc", "types", "--project", project.to_str().expect("a path"), "--check", &file]);
        assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS), "{name}");
        each_version(&name, Rows::Base, |db| same(Path::new(&file), &of_database(&db, &["public"], false), &name));
    }
}

#[test]
fn the_types_of_a_schema_in_plain_sql_are_those_of_its_database() {
    for (name, schemas) in PLAIN {
        for major in VERSIONS {
            same(&fixture(name, schemas), &of_database(&plain(name, major), schemas, false), name);
        }
    }
}

/// A folder with the command and TypeScript's compiler.
fn programs() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent", CLI, FORMATTER, "typescript@5.9.3"])
        .current_dir(dir.path());
    assert!(npm.status().expect("npm is there").success(), "npm installs");
    fs::write(dir.path().join("format.mjs"), FORMAT).expect("a file");
    dir
}

/// What the command writes of a database, formatted.
fn written(programs: &Path, db: &Database, schemas: &[&str]) -> String {
    let port = forward(db.config("postgres"));
    let url = format!("postgresql://postgres@127.0.0.1:{port}/{}?sslmode=disable", db.name());
    let mut command = Command::new(programs.join("node_modules/.bin/supabase"));
    command
        .args(["gen", "types", "--lang", "typescript", "--schema", &schemas.join(",")])
        .arg(format!("--remote={url}"));
    let done = command.output().expect("the command runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let raw = String::from_utf8(done.stdout).expect("UTF-8");
    let mut formatter = Command::new("node");
    formatter.arg("format.mjs").current_dir(programs).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut formatter = formatter.spawn().expect("node is there");
    let mut input = formatter.stdin.take().expect("an input");
    input.write_all(raw.as_bytes()).expect("it reads");
    drop(input);
    let done = formatter.wait_with_output().expect("it runs");
    assert!(done.status.success(), "the formatter takes it");
    let formatted = String::from_utf8(done.stdout).expect("UTF-8");
    assert_eq!(difference(&raw, &formatted), None, "a formatter changes nothing that is said");
    formatted
}

/// Keeps what the command writes, or compares it with what is kept.
fn keep(file: &Path, text: &str) {
    if std::env::var_os("TYPES_UPDATE").is_some() {
        fs::write(file, text).expect("a file");
    }
    assert!(fs::read_to_string(file).expect("the file") == text, "{} is not what {CLI} writes", file.display());
}

/// What a program does with the strict types: what is wrong in it has to be so for the compiler too.
const USE: &str = r#"
import { Constants, type CompositeTypes, type Enums, type Id, type Tables, type TablesInsert } from "./kinds_0_strict"
import { type Tables as Plain, type TablesInsert as PlainInsert } from "./kinds_0"

declare const child: Tables<"children">
export const parent: Id<"parents", number> = child.parent_id
export const number: number = child.parent_id
// @ts-expect-error: a key of another table
export const other: Id<"children", number> = child.parent_id
// @ts-expect-error: no key at all
export const none: Id<"parents", number> = 1

export const mood: Enums<"mood"> = Constants.public.Enums.mood[0]
// @ts-expect-error: no label
export const bad: Enums<"mood"> = "nope"
export const address: CompositeTypes<"address">["zip"] = null

export const counted: number = ({} as Tables<"counted">).children
// @ts-expect-error: Supabase's own types do not know that a count is never null
export const plain: number = ({} as Plain<"counted">).children
export const row: PlainInsert<"children"> = { id: 1, parent_id: 2 }
// @ts-expect-error: the reference is required
export const missing: PlainInsert<"children"> = { id: 1 }
// @ts-expect-error: an identity that is always generated is never written
export const identity: TablesInsert<"measurements"> = { at: "2024-01-01", id: 1 }
"#;

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
        take(format!("{name}_strict"), of_database(&db, &["public"], true));
        take(name, of_database(&db, &["public"], false));
    }
    for (at, (name, schemas)) in PLAIN.iter().enumerate() {
        let db = plain(name, 18);
        keep(&fixture(name, schemas), &written(programs.path(), &db, schemas));
        take(format!("{name}_{at}_strict"), of_database(&db, schemas, true));
        take(format!("{name}_{at}"), of_database(&db, schemas, false));
    }
    fs::write(programs.path().join("use.ts"), USE).expect("a file");
    ours.push("use.ts".to_owned());
    let mut compiler = Command::new(programs.path().join("node_modules/.bin/tsc"));
    let done = compiler.args(["--noEmit", "--strict", "--target", "esnext"]).args(&ours).current_dir(programs.path());
    let done = done.output().expect("the compiler runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}
