//! What `deploy`, `promote` and `plan` find wrong, as they say it. The rest of them: `tests/tests/deploy`.

#![allow(clippy::disallowed_methods)]

use std::fs;
use std::process::Command;

const NOTES: &str = "entity notes {\n  id: uuid = gen_random_uuid() key\n  text: text\n  rls off\n}\n";
const SETTINGS: &str = "name = \"case\"\ntarget = \"postgres\"\n\n[environments.staging]\ndatabase_url = \"STAGING_URL\"\n\n\
    [environments.production]\ndatabase_url = \"PRODUCTION_URL\"\n";

/// A project that is built.
fn project() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("specc.toml"), SETTINGS).expect("a file");
    fs::write(dir.path().join("a.dbspec"), NOTES).expect("a file");
    said(&dir, &["build", "--stamp", "20260101000000"], None);
    dir
}

/// Exit code and what is said on stderr, without the folder's own name and without hashes.
fn said(dir: &tempfile::TempDir, args: &[&str], url: Option<&str>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_specc"));
    let command = command.args(args).current_dir(dir.path()).env_remove("SPECC_PROJECT").env("NO_COLOR", "1");
    let command = command.env("STAGING_URL", url.unwrap_or("postgresql://localhost:1/none"));
    let out = command.output().expect("specc runs");
    let text = String::from_utf8(out.stderr).expect("UTF-8").replace(&*dir.path().to_string_lossy(), "…");
    let is_hash = |word: &str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let word = |word: &str| if is_hash(word.trim_end_matches(',')) { "[hash]".to_owned() } else { word.to_owned() };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    let text: Vec<String> = text.lines().map(line).collect();
    format!("exit code {}\n{}", out.status.code().expect("it ended by itself"), text.join("\n"))
}

#[test]
fn a_url_in_the_settings_is_not_shown() {
    let dir = project();
    let text = SETTINGS.replace("\"STAGING_URL\"", "\"postgresql://ann:hush@db.example.com/shop\"");
    fs::write(dir.path().join("specc.toml"), text).expect("a file");
    let said = said(&dir, &["check"], None);
    assert!(!said.contains("hush"), "{said}");
    insta::assert_snapshot!(said);
}

#[test]
fn a_record_that_was_changed() {
    let dir = project();
    fs::create_dir_all(dir.path().join(".specc/staging")).expect("a folder");
    fs::write(dir.path().join(".specc/staging/record.json"), "{}\n").expect("a file");
    insta::assert_snapshot!(said(&dir, &["deploy", "staging"], None));
}

#[test]
fn another_hash_than_that_of_the_plan() {
    let dir = project();
    let db = specc_postgres::shared(15).empty_database().expect("a database");
    insta::assert_snapshot!(said(&dir, &["deploy", "staging", "--approve", "0123"], Some(&db.url("postgres"))));
}

#[test]
fn what_nobody_has_proven_is_not_promoted() {
    insta::assert_snapshot!(said(&project(), &["promote", "staging", "production"], None));
}

#[test]
fn answers_that_are_not_met_and_one_that_is_missing() {
    let dir = project();
    let text = "## Entities\n- note: text\n## Roles\n- none\n## Security\n- notes: closed to everyone\n## Scale\n\n## Integrations\n- none\n";
    fs::write(dir.path().join("requirements.md"), text).expect("a file");
    insta::assert_snapshot!(said(&dir, &["plan", "--requirements", "requirements.md"], None));
}
