//! A project that somebody else wrote, as a pull request brings it: what the commands do with it on this machine.

#![allow(clippy::disallowed_methods)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

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
    let commands: [&[&str]; 7] = [
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
        assert!(out.status.code().is_some_and(|code| code < 2), "{args:?}: {}", said(&out));
        assert_eq!(touched(), "", "{args:?}");
    }
    // The trap works.
    trapped(&["verify", "--postgres", "15"]);
    assert_ne!(touched(), "");
}
