//! A project that somebody else wrote, as a pull request brings it: what the commands do with it on this machine.

#![allow(clippy::disallowed_methods)]

#[path = "../../postgres/tests/hostile/outside.rs"]
mod outside;

use outside::Outside;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

fn specc(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_specc"));
    command.args(args).current_dir(dir).env_remove("SPECC_PROJECT").env_remove("DATABASE_URL");
    command
}

fn run(dir: &Path, args: &[&str]) -> Output {
    specc(dir, args).output().expect("specc runs")
}

fn said(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

/// A project with a migration for each of the specs.
fn built(specs: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("specc.toml"), "name = \"theirs\"\ntarget = \"postgres\"\n").expect("a file");
    for (n, spec) in specs.iter().enumerate() {
        fs::write(dir.path().join("a.dbspec"), spec).expect("a file");
        let out = run(dir.path(), &["build", "--stamp", &format!("2026010{}000000", n + 1)]);
        assert!(out.status.success(), "{}", said(&out));
    }
    dir
}

/// A folder that everybody may write.
fn outside() -> tempfile::TempDir {
    let outside = tempfile::Builder::new().prefix("specc-out-").tempdir_in("/tmp").expect("a folder");
    fs::set_permissions(outside.path(), fs::Permissions::from_mode(0o777)).expect("a mode");
    outside
}

/// What a function of the project tries: programs, files, the network, roles, libraries, what runs later.
const PAYLOADS: &[&str] = &[
    "copy (select 1) to program 'touch {dir}/touched'",
    "copy (select 1) to '{dir}/touched'",
    "create temp table stolen (line text); copy stolen from '{dir}/secret'; do $do$ begin raise exception '%', (select string_agg(line, '') from stolen); end $do$",
    "do $do$ begin raise exception '%', pg_read_file('{dir}/secret'); end $do$",
    "select lo_export(lo_from_bytea(0, 'x'), '{dir}/touched')",
    "do $do$ begin raise exception '%', convert_from(lo_get(lo_import('{dir}/secret')), 'utf8'); end $do$",
    "select pg_file_write('{dir}/touched', 'x', false)",
    "alter system set archive_command = 'touch {dir}/touched'; select pg_reload_conf()",
    "load '{dir}/evil.so'",
    "create function evil() returns void language c as '{dir}/evil.so', 'mark'; select evil()",
    "create extension if not exists dblink; select dblink_connect('host=127.0.0.1 port={port} user=x password=x')",
    "create extension if not exists dblink; select dblink_connect('host={dir} user=x password=x')",
    "create extension if not exists postgres_fdw; create server s foreign data wrapper postgres_fdw options (host '127.0.0.1', port '{port}'); create user mapping for public server s options (user 'x', password 'x'); create foreign table far (id int) server s; select count(*) from far",
    "create extension if not exists file_fdw; create server files foreign data wrapper file_fdw; create foreign table far (line text) server files options (filename '{dir}/secret'); do $do$ begin raise exception '%', (select line from far); end $do$",
    "create extension plpython3u; do language plpython3u 'open(\"{dir}/touched\", \"w\")'",
    "create extension plperlu; do language plperlu 'system(\"touch {dir}/touched\")'",
    "create role above superuser login; set role above; copy (select 1) to program 'touch {dir}/touched'",
    "grant pg_execute_server_program to current_user; copy (select 1) to program 'touch {dir}/touched'",
    "set session authorization supabase_admin; copy (select 1) to '{dir}/touched'",
    "create tablespace outside location '{dir}'",
    "create subscription s connection 'host=127.0.0.1 port={port} dbname=x user=x password=x' publication p",
    "create function later() returns event_trigger language plpgsql as 'begin copy (select 1) to ''{dir}/touched''; end'; create event trigger e on ddl_command_end execute function later()",
    "set log_directory = '{dir}'; set logging_collector = on",
    "set local_preload_libraries = '{dir}/evil'; set dynamic_library_path = '{dir}'; load 'evil'",
];

/// Where a project has it called: `F` is the function, of the name `f`.
const PLACES: &[(&str, &str)] = &[
    (
        "a block",
        "sql b\n  provides view v\n  depends on function f\n  $$ do $do$ begin perform public.f(); end $do$; create view public.v as select 1 $$\n  down $$ drop view public.v $$\n",
    ),
    (
        "the way back of a block",
        "sql b\n  provides view v\n  depends on function f\n  $$ create view public.v as select 1 $$\n  down $$ drop view public.v; do $do$ begin perform public.f(); end $do$ $$\n",
    ),
    ("a default", "entity t {\n  id: int key\n  a: text = f()\n  rls off\n}\n"),
    ("a check", "entity t {\n  id: int key\n  a: text\n  check c: f() = 'x'\n  rls off\n}\n"),
    ("a generated column", "entity t {\n  id: int key\n  a: text generated (f())\n  rls off\n}\n"),
    ("an index", "entity t {\n  id: int key\n  a: text\n  index ((f()))\n  rls off\n}\n"),
    (
        "a view",
        "entity t {\n  id: int key\n  rls off\n}\nmaterialized view v as $$ select id, public.f() as a from public.t $$\n",
    ),
    ("a policy", "entity t {\n  id: int key\n  policy {\n    all_of: allow all  when f() = 'x'\n  }\n}\n"),
    (
        "a trigger",
        "function g() -> trigger language plpgsql as $$ begin perform public.f(); return new; end $$\nentity t {\n  id: int key\n  trigger on_write before insert or update execute g()\n  rls off\n}\n",
    ),
    ("a domain", "domain d: text { check f() = 'x' }\nentity t {\n  id: int key\n  a: d\n  rls off\n}\n"),
    ("a seed", "entity t {\n  id: int key\n  a: text\n  rls off\n}\nseed base {\n  t { id: 1, a: f() }\n}\n"),
];

/// The project whose `place` calls the payload, twice built, so that rows are made between the migrations.
fn hostile(outside: &Outside, payload: &str, place: &str, security: &str) -> String {
    let volatility = if place.contains("generated") || place.contains("index (") { "immutable" } else { "volatile" };
    let body = outside.fill_in(payload).replace('\'', "''");
    format!(
        "function f() -> text {volatility} {security}language plpgsql as $f$ begin\n  execute '{body}';\n  return 'x';\nend $f$\n{place}"
    )
}

/// Builds and verifies hostile projects: how many came to be verified, and what went wrong.
fn tries(cases: &[(&str, &(&str, &str), &str)]) -> (usize, Vec<String>) {
    let (next, verified, wrong) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let outside = Outside::new();
                while let Some((payload, (place, text), major)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let security = if payload.len() % 2 == 0 { "security definer " } else { "" };
                    let spec = hostile(&outside, payload, text, security);
                    let dir = tempfile::tempdir().expect("a folder");
                    fs::write(dir.path().join("specc.toml"), "name = \"theirs\"\ntarget = \"postgres\"\n")
                        .expect("a file");
                    fs::write(dir.path().join("a.dbspec"), &spec).expect("a file");
                    let mut all = said(&run(dir.path(), &["build", "--stamp", "20260101000000"]));
                    fs::write(dir.path().join("b.dbspec"), "entity more {\n  id: int key\n  rls off\n}\n")
                        .expect("a file");
                    let second = run(dir.path(), &["build", "--stamp", "20260102000000"]);
                    all.push_str(&said(&second));
                    if second.status.success() {
                        verified.fetch_add(1, Ordering::Relaxed);
                    } else {
                        wrong.lock().expect("a list").push(format!("{place}: it does not build\n{spec}\n{all}"));
                    }
                    let out = run(dir.path(), &["verify", "--rows", "3", "--timeout", "60", "--postgres", major]);
                    all.push_str(&said(&out));
                    let say = |what: &str| {
                        wrong.lock().expect("a list").push(format!("{major}, {place}, {payload}: {what}\n{all}"))
                    };
                    if let Some(touched) = outside.touched() {
                        say(&format!("touched {touched}"));
                    }
                    if outside.is_secret(&all) {
                        say("the file was read");
                    }
                    if out.status.code().is_none_or(|code| code >= 2) {
                        say(&format!("{}", out.status));
                    }
                }
            });
        }
    });
    (verified.into_inner(), wrong.into_inner().expect("a list"))
}

/// Each payload in two places: what `verify` runs touches nothing, and tells nothing.
#[test]
fn no_project_reaches_out_of_the_scratch_server() {
    let mut cases = Vec::new();
    for (n, payload) in PAYLOADS.iter().enumerate() {
        for (more, major) in [(0, "15"), (5, "18")] {
            cases.push((*payload, &PLACES[(n + more) % PLACES.len()], major));
        }
    }
    let (verified, wrong) = tries(&cases);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(verified >= 40, "{verified}");
}

/// Each payload in each place, on both versions.
#[test]
#[ignore = "the long run: minutes"]
fn no_project_reaches_out_from_any_place() {
    let mut cases = Vec::new();
    for payload in PAYLOADS {
        for place in PLACES {
            cases.extend(["15", "18"].map(|major| (*payload, place, major)));
        }
    }
    let (_, wrong) = tries(&cases);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Where a project has it called when it is tried what its rules say.
const TRIED: &[(&str, &str)] = &[
    (
        "a rule",
        "entity t {\n  id: int key\n  policy {\n    all_of: allow all to anon, authenticated  when f() = 'x'\n  }\n}\n",
    ),
    (
        "the check of a rule",
        "entity t {\n  id: int key\n  policy {\n    add: allow insert to anon, authenticated  when f() = 'x'\n    see: allow select to anon, authenticated\n  }\n}\n",
    ),
    (
        "a default",
        "entity t {\n  id: int key\n  a: text = f()\n  policy {\n    all_of: allow all to anon, authenticated\n  }\n}\n",
    ),
    (
        "a check",
        "entity t {\n  id: int key\n  check c: f() = 'x'\n  policy {\n    all_of: allow all to anon, authenticated\n  }\n}\n",
    ),
    (
        "a trigger",
        "function g() -> trigger language plpgsql as $$ begin perform public.f(); return coalesce(new, old); end $$\nentity t {\n  id: int key\n  trigger on_write before insert or update or delete execute g()\n  policy {\n    all_of: allow all to anon, authenticated\n  }\n}\n",
    ),
    (
        "a scenario",
        "entity t {\n  id: int key\n  policy {\n    all_of: allow all to anon, authenticated\n  }\n}\nscenario 's' {\n  as anon {\n    allow call f()\n  }\n}\n",
    ),
    (
        "a row of a scenario",
        "entity t {\n  id: int key\n  a: text\n  policy {\n    all_of: allow all to anon, authenticated\n  }\n}\nscenario 's' {\n  given {\n    t one { id: 1, a: f() }\n  }\n  as anon {\n    t -> all\n  }\n}\n",
    ),
    (
        "a seed",
        "entity t {\n  id: int key\n  a: text\n  policy {\n    all_of: allow all to anon, authenticated\n  }\n}\nseed base {\n  t { id: 1, a: f() }\n}\n",
    ),
];

/// What `test`, `prove --run` and `drift` run of a project: how many of the projects could be tried, and what went wrong.
fn tried(cases: &[(&str, &(&str, &str), u32)]) -> (usize, Vec<String>) {
    let (next, ran, wrong) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let outside = Outside::new();
                while let Some((payload, (place, text), major)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let security = if payload.len() % 2 == 0 { "security definer " } else { "" };
                    let open = format!("{security}to anon, authenticated ");
                    let dir = tempfile::tempdir().expect("a folder");
                    fs::write(dir.path().join("specc.toml"), "name = \"theirs\"\n").expect("a file");
                    fs::write(dir.path().join("a.dbspec"), hostile(&outside, payload, text, &open)).expect("a file");
                    let (number, db) = (major.to_string(), specc_postgres::shared(*major).platform_database());
                    let url = db.expect("a database").url("postgres");
                    let commands: [&[&str]; 3] = [
                        &["test", "--timeout", "60", "--postgres", &number],
                        &["prove", "--run", "--timeout", "60", "--postgres", &number],
                        &["drift", "--database-url", &url],
                    ];
                    for args in commands {
                        let out = run(dir.path(), args);
                        let all = said(&out);
                        let say = |what: &str| {
                            wrong.lock().expect("a list").push(format!("{args:?}, {place}, {payload}: {what}\n{all}"))
                        };
                        if let Some(touched) = outside.touched() {
                            say(&format!("touched {touched}"));
                        }
                        if outside.is_secret(&all) {
                            say("the file was read");
                        }
                        if out.status.code().is_none() || all.lines().any(|line| line.starts_with("E0")) {
                            say(&format!("{}", out.status));
                        }
                        let made = all.contains(" databases on Postgres ") && !all.contains(" in 0 databases");
                        ran.fetch_add(usize::from(made), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    (ran.into_inner(), wrong.into_inner().expect("a list"))
}

/// Each payload in a place of its own: what tests, counterexamples and comparisons run touches nothing, and tells nothing.
#[test]
fn no_tested_project_reaches_out_of_the_scratch_server() {
    let place = |n: usize| &TRIED[n % TRIED.len()];
    let cases: Vec<_> =
        PAYLOADS.iter().enumerate().map(|(n, payload)| (*payload, place(n), [15, 18][n / 2 % 2])).collect();
    let (ran, wrong) = tried(&cases);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(ran * 2 >= cases.len(), "{ran} of {} could be tried", cases.len());
}

/// Each payload in each place, on both versions.
#[test]
#[ignore = "the long run: minutes"]
fn no_tested_project_reaches_out_from_any_place() {
    let places = || TRIED.iter().flat_map(|place| [(place, 15), (place, 18)]);
    let cases: Vec<_> = PAYLOADS.iter().flat_map(|p| places().map(|(place, major)| (*p, place, major))).collect();
    let (_, wrong) = tried(&cases);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Rows are made before the second migration.
#[test]
fn a_default_that_runs_a_program_does_not() {
    let outside = outside();
    let spec = |more: &str| {
        format!(
            "function f() -> text volatile language plpgsql as $$ begin\n\
             execute 'copy (select 1) to program ''touch {}/touched''';\nreturn 'x';\nend $$\n\
             entity t {{\n  id: int key\n  a:  text = f()\n{more}  rls off\n}}\n",
            outside.path().display()
        )
    };
    let dir = built(&[&spec(""), &spec("  b:  int?\n")]);
    for major in ["15", "18"] {
        let out = run(dir.path(), &["verify", "--rows", "3", "--postgres", major]);
        assert_eq!(out.status.code(), Some(0), "{}", said(&out));
        assert!(said(&out).contains("public.t has no rows"), "{}", said(&out));
        assert_eq!(fs::read_dir(outside.path()).expect("a folder").count(), 0, "{}", said(&out));
    }
}

#[test]
fn a_migration_that_never_ends_is_ended() {
    let dir =
        built(&["sql slow\n  provides function f\n  $$ create function f() returns int language sql as 'select 1'; \
                       select pg_sleep(100000) $$\n  down $$ drop function f() $$\n"]);
    let out = run(dir.path(), &["verify", "--timeout", "2"]);
    assert_eq!(out.status.code(), Some(1), "{}", said(&out));
    assert!(said(&out).contains("longer than 2 s") && said(&out).contains("pg_sleep(100000)"), "{}", said(&out));
}

/// A program that leaves its name in the folder when it is run.
fn trap(program: &Path, outside: &Path) {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    fs::write(program, format!("#!/bin/sh\necho {name} >>{}/touched\n", outside.display())).expect("a file");
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("a mode");
}

/// Where a project of our own has the copies that its tests use.
#[test]
fn a_postgres_in_the_project_is_not_run() {
    let dir = built(&["entity t {\n  id: int key\n  rls off\n}\n"]);
    let outside = outside();
    for place in ["target/postgres/bin", "target/postgres/15/bin", "bin", "postgres/bin"] {
        let bin = dir.path().join(place);
        fs::create_dir_all(&bin).expect("a folder");
        ["postgres", "initdb"].iter().for_each(|name| trap(&bin.join(name), outside.path()));
    }
    let out = run(dir.path(), &["verify", "--rows", "3"]);
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    assert_eq!(fs::read_dir(outside.path()).expect("a folder").count(), 0, "{}", said(&out));
}

/// With programs in the way that leave a mark when they are run.
#[test]
fn what_only_reads_and_writes_files_runs_nothing() {
    let dir = built(&["entity t {\n  id: int key\n  rls off\n}\n"]);
    let (outside, programs) = (outside(), tempfile::tempdir().expect("a folder"));
    let bin = programs.path().join("bin");
    fs::create_dir(&bin).expect("a folder");
    for name in ["postgres", "initdb", "pg_config", "psql", "pg_dump", "git", "sh", "df"] {
        trap(&bin.join(name), outside.path());
    }
    fs::write(dir.path().join("b.dbspec"), "entity u {\n  id: int key\n  rls off\n}\n").expect("a file");
    let touched = || fs::read_to_string(outside.path().join("touched")).unwrap_or_default();
    let trapped = |args: &[&str]| {
        let mut command = specc(dir.path(), args);
        command.env("PATH", &bin).env("SPECC_POSTGRES_DIR", programs.path()).output().expect("specc runs")
    };
    fs::write(dir.path().join("page.ts"), "await client.from('t').select('id')\n").expect("a file");
    let commands: [&[&str]; 16] = [
        &["prove"],
        &["prove", "--against", "last"],
        &["why", "public", "select", "t"],
        &["explain", "access"],
        &["types"],
        &["types", "--lang", "rust", "-o", "database.rs"],
        &["docs"],
        &["docs", "--site", "-o", "site"],
        &["flows", "page.ts"],
        &["check"],
        &["fmt", "--check"],
        &["diff", "--sql"],
        &["build", "--stamp", "20260102000000"],
        &["diff", "--from", ".", "--to", "."],
        &["lint", "migrations"],
        &["explain", "E0102"],
    ];
    for args in commands {
        let out = trapped(args);
        let known = |code| code < 2 || args[0] == "why";
        assert!(out.status.code().is_some_and(known), "{args:?}: {}", said(&out));
        assert_eq!(touched(), "", "{args:?}");
    }
    // The trap works.
    trapped(&["verify", "--postgres", "15"]);
    assert_ne!(touched(), "");
}
