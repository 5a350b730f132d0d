//! Builds and other commands that write files, killed at any moment, and several at once: all or nothing, and nothing left over.

use crate::files::case::{Case, specc};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
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

/// Where a command is killed: the calls that change the file system, by name and which of its thread's calls of that name it is.
/// Of those that do the same to one more file a few are enough, unless everything is asked (`IN_FULL=1`).
fn moments(case: &Case, args: &[&str]) -> Vec<(String, usize)> {
    let in_full = std::env::var_os("IN_FULL").is_some();
    let all = changing_calls(case, args);
    let last: BTreeMap<String, usize> = all.iter().cloned().collect();
    let is_tried = |(call, nth): &(String, usize)| in_full || *nth <= 4 || nth % 16 == 0 || last[call] == *nth;
    all.into_iter().filter(is_tried).collect()
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
        for (call, nth) in moments(&start(first), &build) {
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
    assert!(killed >= 20, "only {killed} builds were killed");
}

/// Commands that write files where they are told to or where builds write, and the folder that they write into.
const WRITERS: [(&[&str], &str); 4] = [
    (&["types", "-o", "src/database.ts"], "project/src"),
    (&["docs"], "project/docs"),
    (&["docs", "-o", "pages"], "project/pages"),
    (&["docs", "--site", "-o", "site"], "project/site"),
];

/// A command, as it is for the first time or after a change of the spec.
fn before(args: &[&str], first: bool) -> Case {
    let case = Case::new();
    if !first {
        let (code, said) = case.run(args);
        assert_eq!(code, 0, "{args:?}: {said}");
        case.move_on();
    }
    case
}

/// Kills a command at each call that changes the file system: what is there then was there or is to be there, whole; and the next run
/// leaves nothing else.
fn kill_at_each_call(args: &[&str], folder: &str, first: bool) -> usize {
    let old = before(args, first).tree();
    let done = before(args, first);
    assert_eq!(done.run(args).0, 0, "{args:?}");
    let new = done.tree();
    assert_ne!(old, new, "{args:?}");
    let mut killed = 0;
    for (call, nth) in moments(&before(args, first), args) {
        let case = before(args, first);
        let inject = format!("inject={call}:signal=KILL:when={nth}");
        let out = traced(&case, args, Path::new("/dev/null"), &["-e", &inject]);
        killed += usize::from(!out.status.success());
        let at = format!("{args:?}, {call} {nth}, first: {first}");
        for (path, text) in case.tree().iter().filter(|(path, _)| path.starts_with(folder)) {
            let is_own = path.components().any(|part| part.as_os_str().to_string_lossy().starts_with(".specc-"));
            assert!(
                is_own || old.get(path) == Some(text) || new.get(path) == Some(text),
                "{at}: {} is half written",
                path.display()
            );
        }
        let (code, said) = case.run(args);
        assert_eq!(code, 0, "{at}: {said}");
        assert_eq!(case.tree(), new, "{at}");
    }
    killed
}

#[test]
fn files_of_a_command_that_is_killed_are_written_or_not() {
    if !can_trace() {
        return;
    }
    for (args, folder) in WRITERS {
        let killed: usize = [true, false].map(|first| kill_at_each_call(args, folder, first)).iter().sum();
        assert!(killed >= 12, "{args:?}: only {killed} were killed");
    }
}

/// The same of tests, which a server runs before they are written: no call of the server's is among those of the command.
#[test]
fn tests_that_are_killed_are_written_or_not() {
    if !can_trace() {
        return;
    }
    let server = specc_postgres::shared(15).empty_database().expect("a database");
    let url = server.url("postgres");
    let args = ["test", "--pgtap", "taps", "--scratch-url", &url];
    let killed: usize = [true, false].map(|first| kill_at_each_call(&args, "project/taps", first)).iter().sum();
    assert!(killed >= 8, "only {killed} were killed");
}

/// One of several writes, the others say so; the files are those of one run.
#[test]
fn of_several_that_write_each_writes_all_or_says_so() {
    for (args, _) in WRITERS {
        let done = before(args, false);
        assert_eq!(done.run(args).0, 0);
        for commands in [2, 8] {
            let case = before(args, false);
            let all: Vec<_> = (0..commands)
                .map(|_| {
                    let command = Command::new(env!("CARGO_BIN_EXE_specc"));
                    specc(command, &case.project(), args).spawn().expect("specc runs")
                })
                .collect();
            let ends: Vec<_> =
                all.into_iter().map(|child| case.said(&child.wait_with_output().expect("it ends"))).collect();
            for (code, said) in &ends {
                let told = *code == 0 || *code == 2 && said.contains("another specc") && said.contains("is writing to");
                assert!(told, "{args:?}: {code} {said}");
            }
            assert!(ends.iter().any(|(code, _)| *code == 0), "{args:?}: {ends:?}");
            assert_eq!(case.tree(), done.tree(), "{args:?}");
        }
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
