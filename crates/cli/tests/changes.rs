//! A spec that moved on: what `build` and `diff` say and write, offline.

#![allow(clippy::disallowed_methods)]

use std::fs;
use std::path::Path;
use std::process::Command;

const CONFIG: &str = "name = \"case\"\ntarget = \"postgres\"\n";
const NOTES: &str =
    "entity notes {\n  id:   bigint  key identity\n  text: text\n  size: int\n\n  index (size)\n  rls off\n}\n";

/// A project whose first migration is there, and whose spec then became `after`.
fn moved_on(after: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("specc.toml"), CONFIG).expect("a file");
    fs::write(dir.path().join("a.dbspec"), NOTES).expect("a file");
    let (code, said, _) = run(dir.path(), &["build", "--stamp", "20260101000000"]);
    assert_eq!(code, 0, "{said}");
    fs::write(dir.path().join("a.dbspec"), after).expect("a file");
    dir
}

/// Exit code, stderr and stdout, without the folder's own name.
fn run(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_specc"));
    let out = command
        .args(args)
        .current_dir(dir)
        .env_remove("SPECC_PROJECT")
        .env_remove("SPECC_STAMP")
        .env_remove("DATABASE_URL")
        .output()
        .expect("specc runs");
    let plain = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).expect("UTF-8");
        let real = dir.canonicalize().expect("a folder");
        text.replace(&*real.to_string_lossy(), "…").replace(&*dir.to_string_lossy(), "…")
    };
    (out.status.code().expect("it ended by itself"), plain(out.stderr), plain(out.stdout))
}

fn build(dir: &Path, more: &[&str]) -> String {
    let args: Vec<&str> = ["build", "--stamp", "20260102000000", "--only", "migrations"]
        .into_iter()
        .chain(more.iter().copied())
        .collect();
    let (code, said, _) = run(dir, &args);
    format!("exit code {code}\n{said}")
}

/// The names of the migrations of the change, and their text.
fn migrations(dir: &Path) -> String {
    let mut names: Vec<_> = fs::read_dir(dir.join("migrations"))
        .expect("migrations")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("20260102"))
        .collect();
    names.sort();
    let text = |name: &String| fs::read_to_string(dir.join("migrations").join(name)).expect("a migration");
    names.iter().map(|name| format!("==== {name}\n{}", text(name))).collect()
}

#[test]
fn a_column_more_is_one_file() {
    let dir = moved_on(&NOTES.replace("text: text", "text: text\n  pinned: boolean = false"));
    let said = build(dir.path(), &[]);
    assert!(said.starts_with("exit code 0"), "{said}");
    insta::assert_snapshot!(migrations(dir.path()));
    let again = build(dir.path(), &[]);
    assert!(again.contains("nothing changed, nothing written"), "{again}");
}

#[test]
fn an_index_and_a_check_take_several_files() {
    let dir = moved_on(&NOTES.replace("index (size)", "index (size)\n  index (text)\n  check small: size < 100"));
    let said = build(dir.path(), &["--name", "tidy"]);
    assert!(said.starts_with("exit code 0"), "{said}");
    insta::assert_snapshot!(migrations(dir.path()));
}

#[test]
fn what_looks_like_a_rename_is_asked_about() {
    let dir = moved_on(&NOTES.replace("text: text", "body: text"));
    insta::assert_snapshot!(build(dir.path(), &[]));
    assert_eq!(migrations(dir.path()), "", "nothing is written when there is an error");
    let said = build(dir.path(), &["--drop", "public.notes.text"]);
    assert!(said.contains("E0906"), "{said}");
    let said = build(dir.path(), &["--drop", "public.notes.text", "--allow-data-loss"]);
    assert!(said.starts_with("exit code 0"), "{said}");
    assert!(migrations(dir.path()).contains("-- specc: loses all values of public.notes.text"));
}

#[test]
fn was_makes_it_a_rename() {
    let dir = moved_on(&NOTES.replace("text: text", "body: text was text"));
    let said = build(dir.path(), &[]);
    assert!(said.starts_with("exit code 0"), "{said}");
    insta::assert_snapshot!(migrations(dir.path()));
}

#[test]
fn a_loss_wants_its_flag() {
    let dir = moved_on(&NOTES.replace("  size: int\n\n  index (size)\n", ""));
    insta::assert_snapshot!(build(dir.path(), &[]));
}

#[test]
fn what_would_stall_wants_its_flag() {
    let dir = moved_on(
        &NOTES
            .replace("text: text\n", "text: text\n  long: int = (length(text)) generated\n")
            .replace("= (length(text)) generated", "generated (length(text))"),
    );
    insta::assert_snapshot!(build(dir.path(), &[]));
    let said = build(dir.path(), &["--offline-ok"]);
    assert!(said.starts_with("exit code 0"), "{said}");
}

#[test]
fn what_no_statement_does_is_refused() {
    let typed = |labels: &str| {
        let text = NOTES.replace("size: int", "size: int\n  state: kept_state");
        format!("enum state {{ {labels} }}\ndomain kept_state: state\n{text}")
    };
    let dir = moved_on(&typed("open, closed"));
    let (code, said, _) = run(dir.path(), &["build", "--stamp", "20260101000005", "--offline-ok"]);
    assert_eq!(code, 0, "{said}");
    fs::write(dir.path().join("a.dbspec"), typed("closed")).expect("a file");
    insta::assert_snapshot!(build(dir.path(), &[]));
}

#[test]
fn a_type_that_does_not_follow_wants_using() {
    let dir = moved_on(&NOTES.replace("size: int", "size: boolean"));
    insta::assert_snapshot!(build(dir.path(), &[]));
    let dir = moved_on(&NOTES.replace("size: int", "size: boolean using (size <> 0)"));
    let said = build(dir.path(), &[]);
    assert!(said.starts_with("exit code 0"), "{said}");
}

#[test]
fn a_body_that_goes_by_the_order_of_columns_is_named() {
    let after = |rows: &str| {
        let add = "\nfunction add() -> void language plpgsql as $$ begin insert into public.notes ROWS; end $$\n";
        NOTES.replace("text: text", "kind: int = 0\n  text: text") + &add.replace("ROWS", rows)
    };
    let dir = moved_on(&after("values (default, 2, 'new', 3)"));
    insta::assert_snapshot!(build(dir.path(), &[]));
    let now = |rows: &str| fs::write(dir.path().join("a.dbspec"), after(rows)).expect("a file");
    now("(id, kind, text, size) values (default, 2, 'new', 3)");
    let said = build(dir.path(), &[]);
    assert!(said.starts_with("exit code 0"), "{said}");
    // The state has the order of the table, so that it is known later on.
    now("values (default, 2, 'new', 3)");
    let (code, said, _) = run(dir.path(), &["build", "--stamp", "20260201000000", "--only", "migrations"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the table has id, text, size, kind, and the spec id, kind, text, size"), "{said}");
}

#[test]
fn a_stamp_is_after_the_last_one() {
    let dir = moved_on(&NOTES.replace("text: text", "text: text\n  pinned: boolean = false"));
    let (code, said, _) = run(dir.path(), &["build", "--stamp", "20260101000000"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("the last migration ends with 20260101000001"), "{said}");
    assert_eq!(migrations(dir.path()), "");
}

#[test]
fn diff_says_it_as_text_sql_and_json() {
    let dir = moved_on(&NOTES.replace("size: int", "size: bigint?").replace("index (size)", "index (size, text)"));
    let (code, _, text) = run(dir.path(), &["diff", "--exit-code"]);
    assert_eq!(code, 1);
    let (_, _, sql) = run(dir.path(), &["diff", "--sql", "--offline-ok"]);
    let (_, _, json) = run(dir.path(), &["diff", "--format", "json", "--offline-ok"]);
    insta::assert_snapshot!(format!("{text}\n{sql}\n{json}"));
    let (code, said, text) = run(dir.path(), &["diff", "--from", ".", "--exit-code"]);
    assert_eq!((code, text.as_str()), (0, ""), "{said}");
}

/// Every file of a folder with its text.
fn tree(dir: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let files = walkdir::WalkDir::new(dir).into_iter().flatten().filter(|entry| entry.file_type().is_file());
    files.map(|entry| (entry.path().to_path_buf(), fs::read(entry.path()).expect("a file"))).collect()
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_everything_as_it_was() {
    let dir = moved_on(&NOTES.replace("text: text", "text: text\n  pinned: boolean = false"));
    let before = tree(dir.path());
    // No file may be longer than a few blocks: writing on fails as on a full disk.
    let limited =
        format!("trap '' XFSZ; ulimit -f 2; exec {} build --stamp 20260102000000", env!("CARGO_BIN_EXE_specc"));
    let out = Command::new("bash").args(["-c", &limited]).current_dir(dir.path()).output().expect("bash runs");
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("cannot write"), "{said}");
    assert_eq!(tree(dir.path()), before);
    let (code, said, _) = run(dir.path(), &["build", "--stamp", "20260102000000"]);
    assert_eq!(code, 0, "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_said() {
    let dir = moved_on(NOTES);
    let (code, said, _) = run(dir.path(), &["build", "--stamp", "20260102000000", "--out", "/proc/specc"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("/proc/specc"), "{said}");
}

const PEOPLE: &str = "entity people {\n  id:    int key\n  first: text\n  last:  text\n  rls off\n}\n";
const MERGED: &str = "entity people {\n  id:   int  key\n  name: text backfill (first || ' ' || last)\n  rls off\n}\n";

fn spec(dir: &Path, text: &str) {
    fs::write(dir.join("a.dbspec"), text).expect("a file");
}

/// What an earlier migration has done stays in the spec, and says nothing.
#[test]
fn what_was_filled_from_columns_that_are_gone_stays_in_the_spec() {
    let dir = moved_on(PEOPLE);
    let said = build(dir.path(), &["--allow-data-loss"]);
    assert!(said.starts_with("exit code 0"), "{said}");
    spec(dir.path(), MERGED);
    let at = |stamp: &str, more: &[&str]| {
        let args: Vec<&str> =
            ["build", "--stamp", stamp, "--deny-warnings"].into_iter().chain(more.iter().copied()).collect();
        run(dir.path(), &args)
    };
    let (code, said, _) = at("20260103000000", &[]);
    assert!(code != 0 && said.contains("E0906") && said.contains("public.people.first"), "{said}");
    let (code, said, _) = at("20260103000000", &["--allow-data-loss"]);
    assert_eq!(code, 0, "{said}");
    let (code, said, _) = run(dir.path(), &["check", "--deny-warnings"]);
    assert_eq!(code, 0, "{said}");
    let (code, said, _) = at("20260104000000", &[]);
    assert!(code == 0 && said.contains("nothing"), "{said}");
    spec(dir.path(), &MERGED.replace("  rls", "  nick: text?\n  rls"));
    let (code, said, _) = at("20260104000000", &[]);
    assert_eq!(code, 0, "{said}");
    // A name that neither state has is an error where something is filled.
    spec(dir.path(), &MERGED.replace("  rls", "  nick: text?\n  more: text backfill (frist)\n  rls"));
    insta::assert_snapshot!(run(dir.path(), &["check"]).1);
    // Without a last state there is nothing to fill.
    let new = tempfile::tempdir().expect("a folder");
    fs::write(new.path().join("specc.toml"), CONFIG).expect("a file");
    spec(new.path(), MERGED);
    let (code, said, _) = run(new.path(), &["build", "--stamp", "20260101000000", "--deny-warnings"]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn what_does_nothing_is_said_once() {
    let idle = NOTES
        .replace("text: text\n", "text: text backfill ('x')\n")
        .replace("size: int\n", "size: int was length\n")
        .replace("rls off", "more: text? was less\n  rls off")
        + "entity pages from (select id, body from nots) {\n  id: bigint key\n  body: text\n  rls off\n}\n"
        + "entity leaves {\n  id: bigint key\n  side: int backfill (1)\n  rls off\n}\n";
    let dir = moved_on(&idle);
    insta::assert_snapshot!(run(dir.path(), &["check"]).1);
    spec(dir.path(), &idle.replace("from (select id, body from nots) ", ""));
    let said = build(dir.path(), &[]);
    assert!(said.starts_with("exit code 0") && said.contains("W0902"), "{said}");
    let (code, said, _) = run(dir.path(), &["check", "--deny-warnings"]);
    assert_eq!(code, 0, "{said}");
}

/// The calendar has made partitions that no spec lists: a new one may be in their way.
#[test]
fn a_partition_where_the_calendar_was_at_work() {
    let logs = "entity logs {\n  at: date\n  n: int\n  key (at, n)\n  partition by range (at) every month\n  \
                partition logs_old from ('2020-01-01') to ('2021-01-01')\n  rls off\n}\n";
    let more = |lines: &str| logs.replace("  rls", &format!("{lines}  rls"));
    let taken = more("  partition logs_2026_01 from ('2026-01-01') to ('2026-02-01')\n");
    // From the beginning there is nothing in its way, and where the calendar comes later neither.
    let dir = moved_on(&taken);
    let said = build(dir.path(), &["--allow-data-loss"]);
    assert!(said.starts_with("exit code 0"), "{said}");
    let (code, said, _) = run(dir.path(), &["check", "--deny-warnings"]);
    assert_eq!(code, 0, "{said}");
    let dir = moved_on(logs);
    let said = build(dir.path(), &["--allow-data-loss"]);
    assert!(said.starts_with("exit code 0"), "{said}");
    spec(dir.path(), &taken);
    insta::assert_snapshot!(run(dir.path(), &["check"]).1);
    // Another name of one that is there, and a default one.
    for fits in [logs.replace("logs_old", "logs_2020"), more("  partition logs_rest default\n")] {
        spec(dir.path(), &fits);
        let (code, said, _) = run(dir.path(), &["check"]);
        assert_eq!(code, 0, "{said}");
    }
    spec(dir.path(), &taken.replace("entity logs {", "entity notes2 was logs {"));
    let (code, said, _) = run(dir.path(), &["check"]);
    assert!(code == 1 && said.contains("E0314"), "{said}");
}

const BASE_ROWS: &str = "enum stage { draft, live, gone }
entity lines {
  id: int key
  text: text
  use append_only
  rls off
}
entity posts {
  id: int key
  code: text immutable
  stage: stage = 'draft'
  size: int = 1
  workflow stage {
    -> draft, live
    draft -> live when size > 2
    live -> gone
  }
  rls off
}
seed base {
  lines { id: 1, text: 'a' }
  lines { id: 2, text: 'b' }
  posts { id: 1, code: 'x', stage: 'draft', size: 1 }
}
";

/// Base rows that their own table does not let be changed are refused before anything is written.
#[test]
fn base_rows_that_may_not_change() {
    let first = format!("{NOTES}{BASE_ROWS}");
    let dir = moved_on(&first);
    let said = build(dir.path(), &[]);
    assert!(said.starts_with("exit code 0"), "{said}");
    let with = |from: &str, to: &str| {
        assert!(first.contains(from));
        first.replace(from, to)
    };
    let refused = [
        with("text: 'b'", "text: 'c'"),
        with("  lines { id: 2, text: 'b' }\n", ""),
        with("code: 'x'", "code: 'y'"),
        with("stage: 'draft', size: 1", "stage: 'live', size: 1"),
        with("entity lines", "entity rows was lines")
            .replace("  lines {", "  rows {")
            .replace("text: 'b'", "text: 'c'"),
    ];
    let mut all = String::new();
    for text in refused {
        spec(dir.path(), &text);
        let args = ["build", "--stamp", "20260103000000", "--only", "migrations", "--allow-data-loss"];
        let (code, said, _) = run(dir.path(), &args);
        assert_eq!(code, 1, "{said}");
        all.push_str(&said);
    }
    insta::assert_snapshot!(all);
    // Another row beside it, a step that there is, and a table that was not append only yet.
    for text in [
        with("text: 'b' }", "text: 'b' }\n  lines { id: 3, text: 'c' }"),
        with("stage: 'draft', size: 1", "stage: 'live', size: 3"),
        with("code: 'x'", "code: 'x' || ''"),
        with("  use append_only\n", "").replace("text: 'b'", "text: 'c'"),
    ] {
        let dir = moved_on(&first);
        assert!(build(dir.path(), &[]).starts_with("exit code 0"));
        spec(dir.path(), &text);
        let (_, said, _) = run(dir.path(), &["build", "--stamp", "20260103000000", "--only", "migrations"]);
        assert!(!said.contains("E0337"), "{said}");
    }
}

#[test]
fn a_backfill_makes_no_values_of_another_type() {
    let dir = moved_on(&NOTES.replace("text: text", "text: text[] backfill (array[text])"));
    insta::assert_snapshot!(run(dir.path(), &["check"]).1);
}

/// Names change places once, though the spec goes on to say so; when it no longer does, they can again.
#[test]
fn names_change_places_once() {
    let pair =
        |a: &str, b: &str| format!("entity notes {{\n  id: int key\n  a: int {a}\n  b: int {b}\n  rls off\n}}\n");
    let dir = moved_on(&pair("", ""));
    assert!(
        build(
            dir.path(),
            &["--allow-data-loss", "--drop", "public.notes.text", "--drop", "public.notes.size", "--offline-ok"]
        )
        .starts_with("exit code 0")
    );
    let swap = pair("was b", "was a");
    let count = || fs::read_dir(dir.path().join("migrations")).expect("migrations").count();
    let at = |stamp: &str, text: &str| {
        spec(dir.path(), text);
        let before = count();
        let (code, said, _) = run(dir.path(), &["build", "--stamp", stamp, "--deny-warnings"]);
        assert_eq!(code, 0, "{said}");
        count() - before
    };
    assert_eq!(at("20260103000000", &swap), 1);
    assert_eq!(at("20260104000000", &swap), 0);
    assert_eq!(at("20260105000000", &pair("", "")), 0);
    assert_eq!(at("20260106000000", &swap), 1);
    let (code, said, _) = run(dir.path(), &["diff", "--exit-code"]);
    assert_eq!(code, 0, "{said}");
}
