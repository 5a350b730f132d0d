//! Builds and types that are killed at any moment, and several at once: all or nothing, and nothing left over.

use crate::files::case::{Case, specc};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[test]
fn of_several_builds_one_writes() {
    for builds in [2, 4, 8] {
        let case = Case::new();
        case.built("20260101000000");
        case.move_on();
        let args = |n: usize| ["build".to_owned(), "--stamp".to_owned(), format!("2026010200{n:02}00")];
        let all: Vec<_> = (0..builds)
            .map(|n| {
                let args = args(n);
                let args: Vec<&str> = args.iter().map(String::as_str).collect();
                specc(Command::new(env!("CARGO_BIN_EXE_specc")), &case.project(), &args).spawn().expect("specc runs")
            })
            .collect();
        let ends: Vec<_> =
            all.into_iter().map(|child| case.said(&child.wait_with_output().expect("it ends"))).collect();
        for (code, said) in &ends {
            let told = *code == 0 || (*code == 2 && said.contains("another specc") && said.contains("is writing to"));
            assert!(told, "{code} {said}");
        }
        assert!(ends.iter().any(|(code, _)| *code == 0), "{ends:?}");
        assert_eq!(case.migrations().len(), 2, "one migration of the change: {:?}", case.migrations());
        case.built("20260103000000");
        assert_eq!(case.migrations().len(), 2);
        assert!(case.tree().keys().all(|path| !path.to_string_lossy().contains(".specc-")), "{:?}", case.tree().keys());
    }
}

/// A command under strace, which writes what it sees to `log`.
fn traced(case: &Case, args: &[&str], log: &Path, filter: &[&str]) -> Output {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(log).args(filter);
    command.arg(env!("CARGO_BIN_EXE_specc")).env("RAYON_NUM_THREADS", "1");
    let out = specc(command, &case.project(), args).output();
    out.expect("strace is there: .ci/setup installs it")
}

/// The calls of a command that change the file system: the name of each, and which of its thread's calls of that name it is.
fn changing_calls(case: &Case, args: &[&str]) -> BTreeSet<(String, usize)> {
    let log = tempfile::NamedTempFile::new().expect("a file");
    let calls = "trace=openat,write,mkdir,rename,renameat2,unlink,unlinkat,rmdir,ftruncate,copy_file_range";
    let out = traced(case, args, log.path(), &["-e", calls]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut found = BTreeSet::new();
    for line in fs::read_to_string(log.path()).expect("a log").lines() {
        let mut words = line.splitn(2, ' ');
        let (thread, call) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().trim_start());
        let Some((name, arguments)) = call.split_once('(') else { continue };
        let nth = seen.entry((thread.to_owned(), name.to_owned())).or_default();
        *nth += 1;
        let changes = match name {
            "openat" => arguments.contains("O_CREAT"),
            "write" => !arguments.starts_with("1,") && !arguments.starts_with("2,"),
            _ => true,
        };
        if changes {
            found.insert((name.to_owned(), *nth));
        }
    }
    found
}

fn can_trace() -> bool {
    let nothing = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    let nothing = nothing.expect("strace is there: .ci/setup installs it");
    if !nothing.status.success() {
        eprintln!("processes cannot be traced here, so none is killed: {}", String::from_utf8_lossy(&nothing.stderr));
    }
    nothing.status.success()
}

/// Kills a build at each system call that changes the file system, and builds again: one migration of the change, and nothing
/// left over.
#[test]
fn a_build_that_is_killed_is_done_or_not_begun() {
    let start = |first: bool| {
        let case = Case::new();
        if !first {
            case.built("20260101000000");
            case.move_on();
        }
        case
    };
    let finished = |first: bool, stamp: &str| {
        let case = start(first);
        case.built(stamp);
        case.tree()
    };
    if !can_trace() {
        return;
    }
    let build = ["build", "--stamp", "20260102000000"];
    let mut killed = 0;
    for first in [true, false] {
        let (early, late) = (finished(first, "20260102000000"), finished(first, "20260103000000"));
        for (call, nth) in changing_calls(&start(first), &build) {
            let case = start(first);
            let inject = format!("inject={call}:signal=KILL:when={nth}");
            let out = traced(&case, &build, Path::new("/dev/null"), &["-e", &inject]);
            killed += usize::from(!out.status.success());
            let (code, said) = case.build("20260103000000");
            let at = format!("{call} {nth}, first build: {first}");
            assert_eq!(code, 0, "{at}: {said}");
            let after = case.tree();
            assert!(after == early || after == late, "{at}: {:?}", after.keys());
        }
    }
    assert!(killed >= 60, "only {killed} builds were killed");
}

/// Types are written as they were or as they are, whenever it is killed, and what is left over goes.
#[test]
fn types_that_are_killed_are_written_or_not() {
    if !can_trace() {
        return;
    }
    let types = ["types", "-o", "src/database.ts"];
    let start = |first: bool| {
        let case = Case::new();
        if !first {
            assert_eq!(case.run(&types).0, 0);
            case.move_on();
        }
        case
    };
    let mut killed = 0;
    for first in [true, false] {
        let before = start(first).tree();
        let done = start(first);
        assert_eq!(done.run(&types).0, 0);
        let after = done.tree();
        assert_ne!(before, after);
        for (call, nth) in changing_calls(&start(first), &types) {
            let case = start(first);
            let inject = format!("inject={call}:signal=KILL:when={nth}");
            let out = traced(&case, &types, Path::new("/dev/null"), &["-e", &inject]);
            killed += usize::from(!out.status.success());
            let at = format!("{call} {nth}, first: {first}");
            let file = case.tree().remove(Path::new("project/src/database.ts"));
            let of = |tree: &BTreeMap<PathBuf, String>| tree.get(Path::new("project/src/database.ts")).cloned();
            assert!(file == of(&before) || file == of(&after), "{at}: {file:?}");
            let (code, said) = case.run(&types);
            assert_eq!(code, 0, "{at}: {said}");
            assert_eq!(case.tree(), after, "{at}");
        }
    }
    assert!(killed >= 12, "only {killed} were killed");
}

/// One of several writes, the others say so; the file is whole.
#[test]
fn of_several_that_write_types_each_writes_all_or_says_so() {
    for commands in [2, 8] {
        let case = Case::new();
        case.built("20260101000000");
        let (_, text) = (case.run(&["types", "-o", "database.ts"]), case.read("database.ts"));
        case.move_on();
        let all: Vec<_> = (0..commands)
            .map(|_| {
                let command = Command::new(env!("CARGO_BIN_EXE_specc"));
                specc(command, &case.project(), &["types", "-o", "database.ts"]).spawn().expect("specc runs")
            })
            .collect();
        let ends: Vec<_> =
            all.into_iter().map(|child| case.said(&child.wait_with_output().expect("it ends"))).collect();
        for (code, said) in &ends {
            let told = *code == 0 || *code == 2 && said.contains("another specc") && said.contains("is writing to");
            assert!(told, "{code} {said}");
        }
        assert!(ends.iter().any(|(code, _)| *code == 0), "{ends:?}");
        assert_ne!(case.read("database.ts"), text);
        assert_eq!(case.run(&["types", "--check", "database.ts"]).0, 0);
        assert!(case.tree().keys().all(|path| !path.to_string_lossy().contains(".specc-")), "{:?}", case.tree().keys());
    }
}

/// What somebody else wrote is no file of types, wherever it is.
#[test]
fn types_replace_no_file_of_somebody_else() {
    let case = Case::new();
    case.write("src/index.ts", "export const mine = 1\n");
    let outside = case.dir.path().join("outside.ts");
    fs::write(&outside, "as it was\n").expect("a file");
    std::os::unix::fs::symlink(&outside, case.project().join("src/link.ts")).expect("a link");
    fs::create_dir(case.project().join("src/folder.ts")).expect("a folder");
    let before = case.tree();
    for file in ["src/index.ts", "src/link.ts", "src/folder.ts", "a.dbspec", "specc.toml"] {
        let (code, said) = case.run(&["types", "-o", file]);
        assert!(code == 1 && said.contains("E0909") || code == 2, "{file}: {code} {said}");
        assert_eq!(case.tree(), before, "{file}");
    }
    for file in ["..", ""] {
        assert_eq!(case.run(&["types", "-o", file]).0, 2, "{file}");
    }
}
