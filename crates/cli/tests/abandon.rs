//! A change of several files that stops, as users see it: rows that do not fit, the way forward and the way back.

#![allow(clippy::disallowed_methods)]

use specc_postgres::{Database, postgres::SimpleQueryMessage, shared};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

fn run(dir: &Path, db: &Database, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_specc"));
    command.args(args).current_dir(dir).env("DATABASE_URL", db.url("postgres")).env_remove("PGOPTIONS");
    let Output { status, stdout, stderr } = command.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("no signal ended it"), text(stdout) + &text(stderr))
}

fn ask(db: &Database, query: &str) -> String {
    let messages = db.connect().expect("a session").simple_query(query).expect("an answer");
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("null").to_owned()),
        _ => None,
    });
    row.expect("a row")
}

/// A project whose first spec is applied, with rows, and whose second one is built.
fn project(before: &str, rows: &str, after: &str, settings: &str) -> (TempDir, Database) {
    let (dir, db) = (tempfile::tempdir().expect("a folder"), shared(18).empty_database().expect("a database"));
    let write = |path: &str, text: &str| fs::write(dir.path().join(path), text).expect("a file");
    write("specc.toml", &format!("name = \"shop\"\ntarget = \"postgres\"\n{settings}"));
    write("shop.dbspec", before);
    let ok = |args: &[&str]| {
        let (code, said) = run(dir.path(), &db, args);
        assert_eq!(code, 0, "{said}");
    };
    ok(&["build"]);
    ok(&["apply"]);
    db.load(rows).expect("rows");
    write("shop.dbspec", after);
    ok(&["build"]);
    (dir, db)
}

fn table(fields: &str) -> String {
    format!("entity p {{\n  id: int key\n  rls off\n}}\nentity t {{\n  id: int key\n{fields}  rls off\n}}\n")
}

/// Nothing of the change is there, as status says too.
fn nothing_done(dir: &Path, db: &Database) {
    let (_, said) = run(dir, db, &["status"]);
    let first = said.lines().filter(|line| line.starts_with("applied ")).count();
    assert_eq!((first, said.contains("interrupted")), (1, false), "{said}");
    assert_eq!(
        ask(
            db,
            "select count(*) from specc.steps join specc.migrations using (stamp) where specc.migrations.state in ('applying', 'reverting')"
        ),
        "0"
    );
}

#[test]
fn rows_that_do_not_fit_are_counted_before_anything_is_changed() {
    let n = |fields: &str| table(fields);
    let cases = [
        (
            n("  n: int\n"),
            n("  n: int unique\n"),
            "insert into t values (1, 1), (2, 1), (3, 2)",
            "the same n as another row, which t_n_key refuses: 2",
            "update t set n = id",
        ),
        (
            n("  n: int?\n"),
            n("  n: int\n"),
            "insert into t values (1, null), (2, null), (3, 2)",
            "no value in n, which is to be required: 2",
            "update t set n = id",
        ),
        (
            n("  p_id: int\n"),
            n("  p_id -> p\n"),
            "insert into p values (1); insert into t values (1, 5), (2, 1)",
            "have in p_id what no row of public.p has: 1",
            "update t set p_id = 1",
        ),
        (
            n("  n: int\n"),
            n("  n: int\n  check small: n < 10\n"),
            "insert into t values (1, 100), (2, 1)",
            "what the check small refuses: 1",
            "update t set n = 1",
        ),
        // Counted by the names of before.
        (
            n("  n: int\n"),
            n("  m: int unique was n\n"),
            "insert into t values (1, 1), (2, 1), (3, 2)",
            "the same n as another row, which t_m_key refuses: 2",
            "update t set n = id",
        ),
        (
            n("  n: int?\n"),
            n("  m: int was n\n"),
            "insert into t values (1, null), (2, null), (3, 2)",
            "no value in n, which is to be required: 2",
            "update t set n = id",
        ),
        (
            n("  n: int\n"),
            n("  m: int was n\n  check small: m < 10\n"),
            "insert into t values (1, 100), (2, 1)",
            "what the check small refuses: 1",
            "update t set n = 1",
        ),
    ];
    for (before, after, rows, wanted, mend) in cases {
        let (dir, db) = project(&before, rows, &after, "");
        let (code, said) = run(dir.path(), &db, &["apply"]);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(wanted), "{wanted}\n{said}");
        assert!(said.contains("nothing was changed; make them fit"), "{said}");
        nothing_done(dir.path(), &db);
        // The query that it gives shows them.
        let query = said.lines().find_map(|line| line.split_once("they are: ")).expect("a query").1;
        assert!(ask(&db, &format!("select count(*) from ({query}) as shown")) != "0");
        let (code, said) = run(dir.path(), &db, &["apply", "--abandon"]);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("nothing to take back"), "{said}");
        db.load(mend).expect("rows that fit");
        let (code, said) = run(dir.path(), &db, &["apply"]);
        assert_eq!(code, 0, "{said}");
    }
}

#[test]
fn a_half_done_change_goes_back_from_where_it_stopped() {
    let rows = "insert into t select g, nullif(g % 3, 0) from generate_series(1, 20000) g";
    let (dir, db) = project(&table("  n: int?\n"), rows, &table("  n: int backfill (7)\n"), "");
    let sum = "select count(*) || ' ' || count(n) || ' ' || sum(n) from t";
    let before = ask(&db, sum);
    // Somebody holds a row of the last page: the first batches are committed, then it gives up.
    db.load(
        "create function stop() returns trigger language plpgsql as $$ begin raise exception 'enough'; end $$; \
             create trigger stop before update on t for each row when (old.id > 19900) execute function stop(); \
             alter table t enable always trigger stop",
    )
    .expect("a trigger");
    let (code, said) = run(dir.path(), &db, &["apply"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("what it committed on its way (as batches of rows) is done and stays"), "{said}");
    assert!(!said.contains("nothing of this file was done"), "{said}");
    assert_ne!(ask(&db, sum), before);
    let (_, said) = run(dir.path(), &db, &["status"]);
    assert!(said.contains("may be done in part") && said.contains("specc apply --abandon"), "{said}");
    // The way back of the applied files alone is refused, with the way that there is.
    let (code, said) = run(dir.path(), &db, &["apply", "--down-to", "0"]);
    assert!(code == 1 && said.contains("specc apply --abandon"), "{said}");
    db.load("drop trigger stop on t; drop function stop()").expect("none");
    let (code, said) = run(dir.path(), &db, &["apply", "--abandon", "--dry-run"]);
    assert!(code == 0 && said.contains("would take back 2 migrations"), "{said}");
    // The script was changed after it was reviewed.
    let scripts = dir.path().join("specc/abandon");
    let mut all: Vec<_> = fs::read_dir(&scripts).expect("scripts").map(|entry| entry.expect("a file").path()).collect();
    all.sort();
    let text = fs::read_to_string(&all[0]).expect("a script");
    fs::write(&all[0], format!("{text}delete from t;\n")).expect("a file");
    let (code, said) = run(dir.path(), &db, &["apply", "--abandon"]);
    assert!(
        code == 1 && said.contains("was edited after `specc build` wrote it") && said.contains("--allow-edited"),
        "{said}"
    );
    fs::write(&all[0], text).expect("a file");
    let (code, said) = run(dir.path(), &db, &["apply", "--abandon"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(ask(&db, sum), before);
    nothing_done(dir.path(), &db);
    assert_eq!(
        ask(
            &db,
            "select count(*) from pg_attribute where attrelid = 't'::regclass and attnum > 0 and not attisdropped"
        ),
        "2"
    );
    let (code, said) = run(dir.path(), &db, &["apply"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(ask(&db, "select count(*) from t where n = 7"), "6666");
}

#[test]
fn an_edited_down_script_needs_its_own_consent() {
    let (dir, db) = project(&table("  n: int\n"), "insert into t values (1, 1)", &table("  n: int\n  m: int?\n"), "");
    assert_eq!(run(dir.path(), &db, &["apply"]).0, 0);
    let downs = dir.path().join("specc/down");
    let mut all: Vec<_> = fs::read_dir(&downs).expect("scripts").map(|entry| entry.expect("a file").path()).collect();
    all.sort();
    let last = all.last().expect("a down script");
    fs::write(last, "delete from public.t;\nalter table public.t drop column m;\n").expect("a file");
    let stamp = ask(&db, "select stamp from specc.migrations order by 1 desc offset 1 limit 1");
    let (code, said) = run(dir.path(), &db, &["apply", "--down-to", &stamp]);
    assert!(code == 1 && said.contains("was edited after `specc build` wrote it"), "{said}");
    assert_eq!(ask(&db, "select count(*) from t"), "1");
    let (code, said) = run(dir.path(), &db, &["apply", "--down-to", &stamp, "--allow-edited"]);
    assert_eq!(code, 0, "{said}");
}

/// A new label is used by rows: the way back is refused, and nothing happened.
#[test]
fn a_way_back_that_fails_leaves_both_ways_open() {
    let spec = |labels: &str| format!("enum st {{ {labels} }}\n{}", table("  s: st = 'a'\n"));
    let (dir, db) = project(&spec("a, b"), "insert into t values (1, 'a')", &spec("a, b, c"), "");
    assert_eq!(run(dir.path(), &db, &["apply"]).0, 0);
    db.load("insert into t values (3, 'c')").expect("a row");
    let stamp = ask(&db, "select stamp from specc.migrations order by 1 desc offset 1 limit 1");
    let (code, said) = run(dir.path(), &db, &["apply", "--down-to", &stamp]);
    assert!(code == 1 && said.contains("nothing was taken back"), "{said}");
    let (code, said) = run(dir.path(), &db, &["status", "--exit-code"]);
    assert!(code == 0 && said.contains("nothing of that was kept"), "{said}");
    assert_eq!(run(dir.path(), &db, &["apply"]).0, 0);
    db.load("delete from t where id = 3").expect("rows");
    let (code, said) = run(dir.path(), &db, &["apply", "--down-to", &stamp]);
    assert_eq!(code, 0, "{said}");
}
