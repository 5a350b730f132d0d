//! What the command line itself finds wrong: the project file, the files around it, migrations that are history.

#![allow(clippy::disallowed_methods)]

use std::fs;
use std::path::Path;
use std::process::Command;

/// A project folder with these files.
fn project(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        fs::write(dir.path().join(name), bytes).expect("a file");
    }
    dir
}

/// Exit code and what is said, without the folder's own name.
fn run(dir: &Path, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_specc"));
    let out = command
        .args(args)
        .current_dir(dir)
        .env_remove("SPECC_PROJECT")
        .env_remove("SPECC_STAMP")
        .output()
        .expect("specc runs");
    let said = String::from_utf8(out.stderr).expect("UTF-8");
    let real = dir.canonicalize().expect("a folder");
    let said = said.replace(&*real.to_string_lossy(), "…").replace(&*dir.to_string_lossy(), "…");
    format!("exit code {}\n{said}", out.status.code().expect("it ended by itself"))
}

const CONFIG: &[u8] = b"name = \"case\"\n";
const NOTES: &[u8] = b"entity notes {\n  id: uuid = gen_random_uuid() key\n  text: text\n  rls off\n}\n";

#[test]
fn a_setting_that_is_not_there() {
    let dir = project(&[("specc.toml", b"name = \"case\"\ntraget = \"postgres\"\n"), ("a.dbspec", NOTES)]);
    insta::assert_snapshot!(run(dir.path(), &["check"]));
}

#[test]
fn a_setting_with_a_wrong_value() {
    let dir = project(&[("specc.toml", b"name = \"case\"\ntarget = \"mysql\"\n"), ("a.dbspec", NOTES)]);
    insta::assert_snapshot!(run(dir.path(), &["check"]));
}

#[test]
fn a_project_file_that_is_not_toml() {
    let dir = project(&[("specc.toml", b"name = case\n"), ("a.dbspec", NOTES)]);
    insta::assert_snapshot!(run(dir.path(), &["check"]));
}

#[test]
fn a_project_without_a_name() {
    let dir = project(&[("specc.toml", b"target = \"postgres\"\n"), ("a.dbspec", NOTES)]);
    insta::assert_snapshot!(run(dir.path(), &["check"]));
}

#[test]
fn a_project_without_specs() {
    let dir = project(&[("specc.toml", CONFIG)]);
    insta::assert_snapshot!(run(dir.path(), &["check"]));
}

#[test]
fn globs_that_match_nothing() {
    let dir = project(&[("specc.toml", b"name = \"case\"\nspecs = [\"schema/*.dbspec\"]\n"), ("a.dbspec", NOTES)]);
    insta::assert_snapshot!(run(dir.path(), &["check"]));
}

#[test]
fn a_file_that_is_not_text() {
    let dir = project(&[("specc.toml", CONFIG), ("a.dbspec", b"entity notes {\n  id: uuid key\n  t\xe9xt: text\n}\n")]);
    insta::assert_snapshot!(run(dir.path(), &["check"]));
}

#[test]
fn a_file_in_utf_16() {
    let bytes: Vec<u8> = "\u{feff}entity notes {\n}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let dir = project(&[("specc.toml", CONFIG), ("a.dbspec", &bytes)]);
    insta::assert_snapshot!(run(dir.path(), &["check"]));
}

#[test]
fn a_file_that_is_too_long() {
    let long = vec![b'/'; (16 << 20) + 1];
    let dir = project(&[("specc.toml", CONFIG), ("a.dbspec", &long)]);
    let said = run(dir.path(), &["check"]);
    assert_eq!(said, "exit code 2\nerror: cannot read …/a.dbspec: longer than 16 MB; split it into several files\n");
}

#[test]
#[cfg(unix)]
fn a_file_that_is_a_link() {
    let elsewhere = project(&[("b.dbspec", NOTES)]);
    let dir = project(&[("specc.toml", CONFIG)]);
    std::os::unix::fs::symlink(elsewhere.path().join("b.dbspec"), dir.path().join("a.dbspec")).expect("a link");
    let said = run(dir.path(), &["check"]);
    let message = "a.dbspec is not an ordinary file; put the file itself into the project";
    assert_eq!(said, format!("exit code 2\nerror: {message}\n"));
}

#[test]
fn a_migration_that_was_edited() {
    let dir = project(&[("specc.toml", CONFIG), ("a.dbspec", NOTES)]);
    let built = run(dir.path(), &["build", "--stamp", "20260101000000"]);
    assert!(built.starts_with("exit code 0"), "{built}");
    let folder = dir.path().join("supabase/migrations");
    let mut files: Vec<_> = fs::read_dir(folder).expect("migrations").map(|e| e.expect("a file").path()).collect();
    files.sort();
    let text = fs::read_to_string(&files[0]).expect("a migration");
    fs::write(&files[0], format!("{text}\n-- reviewed\n")).expect("a migration");
    insta::assert_snapshot!(run(dir.path(), &["build", "--stamp", "20260102000000"]));
}
