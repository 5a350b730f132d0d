//! `pull --sql` of what `pg_dump` writes, as users run it.

#![allow(clippy::disallowed_methods)]

use specc_postgres::{Address, Database, programs, shared};
use std::fs;
use std::path::Path;
use std::process::Command;

fn run(dir: &Path, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_specc"));
    let out = command.args(args).current_dir(dir).env_remove("SPECC_PROJECT").env_remove("DATABASE_URL").output();
    let out = out.expect("specc runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (out.status.code().expect("it ended by itself"), text(out.stdout) + &text(out.stderr))
}

/// Runs it where it has to go well.
fn done(dir: &Path, args: &[&str]) -> String {
    let (code, said) = run(dir, args);
    assert_eq!(code, 0, "{args:?}: {said}");
    said
}

/// Writes `dump.sql`.
fn dump(dir: &Path, db: &Database, major: u32, args: &[&str]) {
    let install = programs::for_server(major).expect("its programs");
    // Whoever can read all of it.
    let address = Address::resolve(Some(&db.url("supabase_admin")), |_| None).expect("an address");
    let mut args: Vec<String> = args.iter().map(ToString::to_string).collect();
    args.push(format!("--file={}", dir.join("dump.sql").display()));
    programs::run(&install, "pg_dump", Some(&address), &args).expect("a dump");
}

/// All that the files of a folder say.
fn text(dir: &Path) -> String {
    let files = fs::read_dir(dir).expect("the folder").map(|e| e.expect("a file").path());
    let mut all: Vec<String> = files
        .filter(|p| p.extension().is_some_and(|e| e == "dbspec"))
        .map(|p| fs::read_to_string(p).expect("text"))
        .collect();
    all.sort();
    all.concat()
}

const MAKE: &str = "do $$ declare role text; begin foreach role in array array['dump_app', 'dump Weak', 'dump_reader'] loop
      begin execute format('create role %I', role); exception when duplicate_object or unique_violation then null; end;
    end loop; end $$;
    create schema app;
    create table app.items (id serial primary key, name text not null, at timestamptz default now());
    insert into app.items (name) values (E'tab\\t and \\\\.'), (E'line\\nalter table x owner to y;');
    create table app.parts (n int) partition by range (n); create table app.part partition of app.parts for values from (0) to (9);
    insert into app.parts values (1);
    create type app.mood as enum ('glad', 'sad');
    create view app.names as select name from app.items;
    create function app.peek() returns bigint language sql security definer as 'select count(*) from app.items';
    create function app.broken() returns bigint language plpgsql as 'begin return (select count(*) from gone); end';
    create aggregate app.total(int) (sfunc = int4pl, stype = int);
    grant all on app.items to dump_reader; grant usage on schema app to dump_reader; grant execute on function app.peek to dump_reader;
    revoke all on function app.peek() from public;
    alter table app.items enable row level security;
    create policy mine on app.items for select to dump_reader using (name <> '');
    alter default privileges for role dump_app in schema app grant select on tables to dump_reader;
    comment on table app.items is 'what; there is'';';
    alter schema app owner to dump_app; alter table app.items owner to dump_app; alter table app.parts owner to dump_app;
    alter table app.part owner to dump_app; alter type app.mood owner to dump_app; alter view app.names owner to dump_app;
    alter function app.broken() owner to dump_app; alter aggregate app.total(int) owner to dump_app;
    alter function app.peek() owner to \"dump Weak\";";

#[test]
fn a_dump_with_rows_is_the_database() {
    for major in [15, 18] {
        let db = shared(major).empty_database().expect("a database");
        db.connect_superuser().expect("a session").batch_execute(MAKE).expect("it was there before");
        let dir = tempfile::tempdir().expect("a folder");
        dump(dir.path(), &db, major, &[]);
        let said = done(dir.path(), &["pull", "--sql", "dump.sql", "--out", "."]);
        assert!(said.contains("the rows of 2 tables"), "{said}");
        let spec = text(dir.path());
        // What most of it belongs to is the project's own; the weak role's is not.
        assert!(spec.contains("owner \"dump Weak\" of function app.peek()"), "{spec}");
        assert!(!spec.contains("owner dump_app"), "{spec}");
        // What `all` was on the server that it is of.
        let all = if major == 15 { "grant all on app.items" } else { "insert, maintain, references" };
        assert!(spec.contains(all), "{spec}");
        done(dir.path(), &["fmt", "--check"]);
        done(dir.path(), &["build"]);
        // The database has what the build makes.
        let url = db.url("postgres");
        done(dir.path(), &["apply", "--adopt", "--database-url", &url]);
        done(dir.path(), &["drift", "--database-url", &url]);
    }
}

#[test]
fn roles_alone_are_a_spec() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(
        dir.path().join("roles.sql"),
        "create role dump_one; create role dump_two login; grant dump_one to dump_two;",
    )
    .expect("a file");
    let said = done(dir.path(), &["pull", "--sql", "roles.sql", "--out", "."]);
    let spec = text(dir.path());
    assert!(spec.contains("role dump_one") && spec.contains("role dump_two login in dump_one"), "{said}{spec}");
    done(dir.path(), &["build"]);
}

const PLATFORM: &str =
    "create table notes (id int primary key, owner uuid references auth.users on delete cascade, body text);
    alter table notes enable row level security;
    create policy own on notes for all to authenticated using (auth.uid() = owner);
    create policy gone on notes for delete to authenticated using ((select auth.role() = 'authenticated'));
    grant select on notes to anon, service_role; insert into notes (id, body) values (1, 'x');";

#[test]
fn a_project_on_supabase_is_known_as_one() {
    for major in [15, 18] {
        let db = shared(major).platform_database().expect("a database");
        db.connect().expect("a session").batch_execute(PLATFORM).expect("it was there before");
        for from in ["database", "dump"] {
            let dir = tempfile::tempdir().expect("a folder");
            let url = db.url("postgres");
            if from == "dump" {
                dump(dir.path(), &db, major, &["--schema", "public"]);
                done(dir.path(), &["pull", "--sql", "dump.sql", "--out", "."]);
            } else {
                done(dir.path(), &["pull", "--database-url", &url, "--out", "."]);
            }
            let config = fs::read_to_string(dir.path().join("specc.toml")).expect("a file");
            assert!(config.contains("target = \"supabase\""), "{from}: {config}");
            let spec = text(dir.path());
            assert!(spec.contains("-> auth.users") && spec.contains("auth.uid()"), "{from}: {spec}");
            assert!(!spec.lines().any(|line| line.starts_with("owner ")), "{from}: {spec}");
            done(dir.path(), &["build"]);
            done(dir.path(), &["drift", "--database-url", &url]);
            if from == "database" {
                let other = shared(major).platform_database().expect("a database");
                done(dir.path(), &["apply", "--database-url", &other.url("postgres")]);
            }
        }
    }
}

/// Schemas as applications have them: nothing in more than a hundred functions is taken for wrong, no function is left as a block,
/// and what is built of them is what they were.
///
/// `cargo test -p specc --test all -- --ignored schemas_of_applications`
#[test]
#[ignore = "a minute"]
fn schemas_of_applications_are_pulled_built_and_loaded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/applications");
    for file in fs::read_dir(root).expect("the folder") {
        let file = file.expect("a file").path();
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let dir = tempfile::tempdir().expect("a folder");
        let pull = |sql: &str, out: &str| {
            done(dir.path(), &["pull", "--sql", sql, "--target", "supabase", "--name", &name, "--out", out])
        };
        let said = pull(&file.to_string_lossy(), "first");
        assert!(!said.contains("sql function_"), "{name}: {said}");
        done(dir.path(), &["check", "--project", "first"]);
        done(dir.path(), &["build", "--project", "first", "--out", "built", "--stamp", "20260101000000"]);
        let migrations = fs::read_dir(dir.path().join("built/supabase/migrations")).expect("the migrations");
        let mut migrations: Vec<_> = migrations.map(|entry| entry.expect("a file").path()).collect();
        migrations.sort();
        let all: String = migrations.iter().map(|path| fs::read_to_string(path).expect("text")).collect();
        fs::write(dir.path().join("built.sql"), all).expect("a file");
        pull("built.sql", "second");
        let [first, second] = ["first", "second"].map(|folder| text(&dir.path().join(folder)));
        assert!(first == second, "{name}: what is built of it is something else");
    }
}
