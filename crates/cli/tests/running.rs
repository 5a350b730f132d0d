//! `apply`, `status`, `reset`, `backup` and `restore` as users run them, on a real Postgres.

#![allow(clippy::disallowed_methods)]

use specc_postgres::{Database, postgres::SimpleQueryMessage, shared};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const A: &str = "create table a (id int primary key);\ninsert into a values (1), (2);\n";

/// A project with migrations that somebody wrote.
fn project(settings: &str) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write("specc.toml", &format!("name = \"shop\"\n{settings}"));
    write("supabase/migrations/20260101000001_a.sql", A);
    write("supabase/migrations/20260101000002_b.sql", "create index concurrently a_id on a (id);\n");
    write("specc/down/20260101000001_a.down.sql", "-- specc: loses all rows of a\ndrop table a;\n");
    write("specc/down/20260101000002_b.down.sql", "drop index concurrently a_id;\n");
    write("supabase/seeds/dev.sql", "insert into a values (3);\n");
    dir
}

fn url(db: &Database) -> String {
    // The socket asks for no password; it must not be shown all the same.
    db.url("postgres").replace("postgres@", "postgres:hush@")
}

fn run(dir: &Path, db: &Database, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_specc"));
    command.args(args).current_dir(dir).env("DATABASE_URL", url(db)).env_remove("PGOPTIONS");
    let Output { status, stdout, stderr } = command.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let (out, err) = (text(stdout), text(stderr));
    assert!(!out.contains("hush") && !err.contains("hush"), "{out}{err}");
    (status.code().expect("no signal ended it"), out, err)
}

fn ask(db: &Database, query: &str) -> String {
    let messages = db.connect().expect("a session").simple_query(query).expect("an answer");
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("null").to_owned()),
        _ => None,
    });
    row.expect("a row")
}

#[test]
fn apply_and_status() {
    let (dir, db) = (project(""), shared(18).platform_database().expect("a database"));
    let run = |args: &[&str]| run(dir.path(), &db, args);
    let (code, out, _) = run(&["status", "--exit-code"]);
    assert_eq!((code, out.lines().filter(|line| line.starts_with("pending ")).count()), (1, 2), "{out}");
    let (code, out, err) = run(&["apply", "--dry-run"]);
    assert_eq!(code, 0, "{err}");
    let (lines, hash) = out.trim_end().rsplit_once("\nhash ").expect("a hash");
    assert_eq!(lines, "20260101000001_a: 2 statements in one transaction\n20260101000002_b: 1 statement step by step");
    let (code, _, err) = run(&["apply", "--approve", &hash.replace(['0', '1'], "2")]);
    assert!(code == 1 && err.contains(hash) && err.contains("--dry-run"), "{err}");
    let (code, out, err) = run(&["apply", "--approve", hash]);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert!(err.contains("20260101000002_b: applied in") && err.contains(": applied 2 migrations"), "{err}");
    assert_eq!(run(&["status", "--exit-code"]).0, 0);
    let (_, out, _) = run(&["status", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(json["migrations"][1]["state"], "applied");
    let (code, out, _) = run(&["apply", "--format", "json"]);
    assert_eq!((code, out.as_str()), (0, "{\"ran\":[],\"down\":false,\"dry_run\":false}\n"));

    let (code, _, err) = run(&["apply", "--down-to", "0"]);
    assert!(code == 1 && err.contains("going back loses:\n  20260101000001_a: all rows of a"), "{code} {err}");
    let (code, _, err) = run(&["apply", "--down-to", "0", "--allow-data-loss"]);
    assert!(code == 0 && err.contains("took back 2 migrations"), "{code} {err}");
    assert_eq!(ask(&db, "select to_regclass('a') is null"), "t");

    fs::write(dir.path().join("supabase/migrations/20260101000003_c.sql"), "select 1;\n\nselect no;\n")
        .expect("a file");
    let (code, out, err) = run(&["apply", "--format", "json"]);
    assert_eq!(code, 1, "{err}");
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let said = json["error"].as_str().expect("an error");
    assert!(
        said.starts_with("supabase/migrations/20260101000003_c.sql:3: column \"no\" does not exist (42703)"),
        "{said}"
    );
    // A file in one transaction that failed has done nothing, which status says.
    let (_, out, _) = run(&["status"]);
    assert!(out.contains("pending      20260101000003_c") && out.contains("nothing of it was kept"), "{out}");
}

#[test]
fn without_a_database_it_is_said_what_to_do() {
    let dir = project("");
    let no = |url: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_specc"));
        command.arg("status").current_dir(dir.path()).env_clear();
        command.args(url.map(|url| ["--database-url", url]).iter().flatten());
        let output = command.output().expect("it runs");
        (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
    };
    let (code, err) = no(None);
    assert!(code == Some(2) && err.contains("no database is named; give --database-url"), "{err}");
    let (code, err) = no(Some("postgresql://ann:hush@%2Fnowhere/shop"));
    assert!(code == Some(2) && err.contains("cannot connect to ann@/nowhere/shop") && !err.contains("hush"), "{err}");
    let (code, err) = no(Some("postgresql://ann:hush@h/shop?pool=1"));
    assert!(code == Some(2) && err.contains("unknown setting `pool`") && !err.contains("hush"), "{err}");
}

#[test]
fn production_by_configuration() {
    let db = shared(18).platform_database().expect("a database");
    let dir = project(&format!("[environments.production]\ndatabase = \"{}*\"\n", &db.name()[..7]));
    let (code, _, err) = run(dir.path(), &db, &["apply"]);
    assert!(code == 1 && err.contains("specc.toml says so: it is the environment `production`"), "{err}");
    assert_eq!(run(dir.path(), &db, &["apply", "--allow-production"]).0, 0);
    let (code, _, err) = run(dir.path(), &db, &["reset", "--yes"]);
    assert!(code == 1 && err.contains("--allow-production-reset"), "{err}");
    assert_eq!(ask(&db, "select count(*) from a"), "2");
    let elsewhere = project(
        "[environments.production]\ndatabase = \"shop\"\n[environments.live]\nhost = \"*\"\nproduction = false\n",
    );
    assert_eq!(run(elsewhere.path(), &db, &["reset", "--yes"]).0, 0);
}

#[test]
fn reset_seeds_and_a_backup_comes_back() {
    let (dir, db) = (project(""), shared(18).platform_database().expect("a database"));
    let run = |args: &[&str]| run(dir.path(), &db, args);
    assert_eq!(run(&["apply"]).0, 0);
    let (code, _, err) = run(&["reset"]);
    assert!(code == 2 && err.contains("there is no terminal to ask on") && err.contains("--yes"), "{err}");
    let (code, _, err) = run(&["reset", "--yes", "--seed", "staging"]);
    assert!(code == 2 && err.contains("there is no seed") && err.contains("there is dev"), "{err}");
    assert_eq!(ask(&db, "select count(*) from a"), "2");
    let (code, _, err) = run(&["reset", "--yes", "--seed", "dev"]);
    assert!(code == 0 && err.contains("seeded from supabase/seeds/dev.sql"), "{err}");
    assert_eq!(ask(&db, "select count(*) from a"), "3");

    let (code, _, err) = run(&["backup", "--file", "a.dump"]);
    assert!(code == 0 && err.contains("a.dump.json"), "{err}");
    let (code, _, err) = run(&["backup", "--file", "a.dump"]);
    assert!(code == 2 && err.contains("a.dump is there already"), "{err}");
    ask(&db, "with gone as (delete from a where id = 1 returning id) select count(*) from gone");
    let (code, _, err) = run(&["restore", "a.dump", "--table", "a"]);
    assert!(code == 0 && err.contains("3 rows of the backup in public.a, 1 put back"), "{err}");
    let (code, _, err) = run(&["restore", "a.dump"]);
    assert!(code == 1 && err.contains("is not empty"), "{err}");
    let (code, out, err) = run(&["restore", "a.dump", "--clean", "--format", "json"]);
    assert!(code == 0 && out.contains("\"tables\":"), "{out}{err}");
    assert_eq!(ask(&db, "select count(*) from a"), "3");
    assert_eq!(run(&["status", "--exit-code"]).0, 0);

    fs::write(dir.path().join("supabase/migrations/20260101000003_c.sql"), "alter table a add column c int;\n")
        .expect("a file");
    assert_eq!(run(&["apply", "--backup"]).0, 0);
    let dumps = fs::read_dir(dir.path()).expect("the folder").flatten();
    let dumps = dumps.filter(|entry| entry.file_name().to_string_lossy().ends_with(".dump.json")).count();
    assert_eq!(dumps, 2);
    fs::remove_file(dir.path().join("a.dump.json")).expect("it was there");
    let (code, _, err) = run(&["restore", "a.dump", "--clean"]);
    assert!(code == 2 && err.contains("a.dump.json") && err.contains("a restore cannot be checked"), "{err}");
}

#[test]
fn a_real_project_up_down_reset_and_back() {
    let spec = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/medellin_spark");
    let db = shared(15).platform_database().expect("a database");
    let dir = tempfile::tempdir().expect("a folder");
    let entries = fs::read_dir(spec).expect("the spec").flatten();
    for entry in entries.filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), dir.path().join(entry.file_name())).expect("a copy");
    }
    let run = |args: &[&str]| {
        let (code, out, err) = run(dir.path(), &db, args);
        assert!(!err.contains('⚠'), "{args:?}\n{err}");
        assert_eq!(code, 0, "{args:?}\n{out}{err}");
        out
    };
    run(&["build", "--stamp", "20260101000000"]);
    for name in ["project_url", "service_role_key", "webhook_secret"] {
        ask(&db, &format!("select vault.create_secret('http://localhost/{name}', '{name}')"));
    }
    let tables = "select count(*) from pg_tables where schemaname = 'public'";
    run(&["apply"]);
    let made = ask(&db, tables);
    run(&["apply", "--down-to", "0", "--allow-data-loss"]);
    assert_eq!(ask(&db, tables), "0");
    run(&["apply"]);
    run(&["reset", "--yes", "--seed", "dev"]);
    assert_eq!(ask(&db, tables), made);
    run(&["backup", "--file", "all.dump"]);
    run(&["backup", "--file", "accounts.dump", "--table", "auth.users"]);
    run(&["restore", "accounts.dump", "--table", "auth.users"]);
    let out = run(&["restore", "all.dump", "--clean", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert!(json["rows"].as_i64().expect("a number") > 100, "{json}");
    run(&["status", "--exit-code"]);
    assert_eq!(ask(&db, tables), made);
}

#[test]
fn a_change_that_was_built_goes_up_and_back() {
    let (dir, db) = (tempfile::tempdir().expect("a folder"), shared(18).platform_database().expect("a database"));
    let spec = |more: &str| {
        let fields = "id: uuid = gen_random_uuid() key\n  title: text\n  n: int?\n";
        fs::write(dir.path().join("a.dbspec"), format!("entity notes {{\n  {fields}{more}  rls off\n}}\n"))
            .expect("a file");
    };
    let run = |args: &[&str]| {
        let (code, _, err) = run(dir.path(), &db, args);
        assert_eq!(code, 0, "{args:?}\n{err}");
        err
    };
    fs::write(dir.path().join("specc.toml"), "name = \"notes\"\n").expect("a file");
    spec("");
    run(&["build", "--stamp", "20260101000000"]);
    run(&["apply"]);
    ask(
        &db,
        "with new as (insert into notes (title, n) select g::text, g from generate_series(1, 50) g returning id) select count(*) from new",
    );
    let rows = "select count(*) || md5(string_agg(title || n, ',' order by n)) from notes";
    let shape = "select string_agg(attname || format_type(atttypid, atttypmod) || attnotnull, ',' order by attnum) from pg_attribute \
                 where attrelid = 'notes'::regclass and attnum > 0 and not attisdropped";
    let before = (ask(&db, rows), ask(&db, shape));
    spec("  token: uuid = gen_random_uuid()\n  index (n)\n  unique (title)\n  check n_ok: n > 0\n");
    run(&["build", "--stamp", "20260102000000"]);
    run(&["apply"]);
    run(&["status", "--exit-code"]);
    assert_eq!(ask(&db, "select count(distinct token) || ' ' || bool_and(token is not null) from notes"), "50 true");
    assert_eq!(
        ask(&db, "select bool_and(indisvalid) and count(*) = 3 from pg_index where indrelid = 'notes'::regclass"),
        "t"
    );
    let last = run(&["apply", "--dry-run", "--down-to", "0"]);
    assert!(last.contains("would take back"), "{last}");
    let first = fs::read_dir(dir.path().join("supabase/migrations")).expect("the folder").flatten();
    let first = first
        .map(|entry| entry.file_name().to_string_lossy()[..14].to_owned())
        .filter(|stamp| stamp.starts_with("20260101"))
        .max();
    run(&["apply", "--down-to", &first.expect("a migration"), "--allow-data-loss"]);
    assert_eq!((ask(&db, rows), ask(&db, shape)), before);
    run(&["apply"]);
    run(&["status", "--exit-code"]);
}

#[test]
fn a_label_that_rows_hold_stays_until_they_do_not() {
    let (dir, db) = (tempfile::tempdir().expect("a folder"), shared(15).empty_database().expect("a database"));
    let spec = |labels: &str| {
        let text =
            format!("enum state {{ {labels} }}\nentity notes {{\n  id: int key\n  state: state\n  rls off\n}}\n");
        fs::write(dir.path().join("a.dbspec"), text).expect("a file");
    };
    let run = |args: &[&str]| run(dir.path(), &db, args);
    let done = |args: &[&str]| assert_eq!(run(args).0, 0, "{args:?}");
    fs::write(dir.path().join("specc.toml"), "name = \"notes\"\ntarget = \"postgres\"\n").expect("a file");
    spec("draft, waiting, published");
    done(&["build", "--stamp", "20260101000000"]);
    done(&["apply"]);
    ask(
        &db,
        "with new as (insert into notes values (1, 'draft'), (2, 'waiting') returning id) select count(*) from new",
    );
    // Instead of another label it could be that label under another name.
    spec("draft, open, published");
    let (code, _, said) = run(&["build", "--stamp", "20260102000000"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("E0905") && said.contains("write `was waiting`"), "{said}");
    spec("draft, published");
    done(&["build", "--stamp", "20260102000000"]);
    let (code, _, said) = run(&["apply"]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("notes.state still holds `waiting`") && said.contains("nothing of this file was kept"),
        "{said}"
    );
    let change =
        "with new as (update notes set state = 'draft' where state = 'waiting' returning id) select count(*) from new";
    assert_eq!(ask(&db, change), "1");
    done(&["apply"]);
    assert_eq!(
        ask(&db, "select string_agg(state::text, ',') || string_agg(distinct enum_range(state)::text, '') from notes"),
        "draft,draft{draft,published}"
    );
}

#[test]
fn rows_that_the_owner_cannot_see_are_not_lost() {
    let (dir, db) = (tempfile::tempdir().expect("a folder"), shared(15).empty_database().expect("a database"));
    let mut above = db.connect_superuser().expect("a session");
    above
        .batch_execute(
            "create role forced_owner login; grant all on schema public to forced_owner; \
             do $$ begin execute format('grant all on database %I to forced_owner', current_database()); end $$",
        )
        .expect("an owner like any other");
    let spec = |ty: &str| {
        let text = format!("entity notes {{\n  id: int key\n  n: {ty}?\n  rls force\n}}\n");
        fs::write(dir.path().join("a.dbspec"), text).expect("a file");
    };
    let url = db.url("forced_owner");
    let run = |args: &[&str]| {
        let mut specc = Command::new(env!("CARGO_BIN_EXE_specc"));
        let out = specc.args(args).current_dir(dir.path()).env("DATABASE_URL", &url).output().expect("specc runs");
        (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    fs::write(dir.path().join("specc.toml"), "name = \"notes\"\ntarget = \"postgres\"\n").expect("a file");
    for (ty, stamp) in [("int", "20260101000000"), ("bigint", "20260102000000")] {
        spec(ty);
        assert_eq!(run(&["build", "--stamp", stamp]).0, Some(0));
        if ty == "int" {
            assert_eq!(run(&["apply"]).0, Some(0));
            above.batch_execute("insert into notes values (1, 5)").expect("a row");
        }
    }
    let (code, said) = run(&["apply"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("row-level security policy for table \"notes\""), "{said}");
    above.batch_execute("alter role forced_owner bypassrls").expect("now it sees them");
    let (code, said) = run(&["apply"]);
    assert_eq!(code, Some(0), "{said}");
    let n: Option<i64> = above.query_one("select n from notes", &[]).expect("the row").get(0);
    assert_eq!(n, Some(5));
}
