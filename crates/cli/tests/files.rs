//! What a build may do to files: only its own, all or none, whatever stands in the project and whenever it is killed.

#![allow(clippy::disallowed_methods, clippy::print_stderr)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const CONFIG: &str = "name = \"case\"\ntarget = \"postgres\"\n";
const NOTES: &str = "entity notes {\n  id: uuid = gen_random_uuid() key\n  text: text\n  rls off\n}\n";
const SEEDS: &str = "seed dev {\n  notes one { text: 'one' }\n}\n";

/// A project in a folder of its own, beside which nothing is.
struct Case {
    dir: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let case = Self { dir: tempfile::tempdir().expect("a folder") };
        fs::create_dir(case.project()).expect("a folder");
        case.write("specc.toml", CONFIG);
        case.write("a.dbspec", &format!("{NOTES}{SEEDS}"));
        case
    }

    fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.project().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.project().join(path)).expect("a file")
    }

    /// A later state of the spec.
    fn move_on(&self) {
        self.write("a.dbspec", &format!("{}{SEEDS}", NOTES.replace("text: text", "text: text\n  size: int = 0")));
    }

    /// Exit code, and what is said without the folder's own name.
    fn run(&self, args: &[&str]) -> (i32, String) {
        let out = specc(Command::new(env!("CARGO_BIN_EXE_specc")), &self.project(), args).output().expect("specc runs");
        self.said(&out)
    }

    fn said(&self, out: &Output) -> (i32, String) {
        let text = String::from_utf8_lossy(&out.stderr);
        let real = self.dir.path().canonicalize().expect("a folder");
        let text = text.replace(&*real.to_string_lossy(), "…").replace(&*self.dir.path().to_string_lossy(), "…");
        (out.status.code().unwrap_or(-1), text)
    }

    fn build(&self, stamp: &str) -> (i32, String) {
        self.run(&["build", "--stamp", stamp])
    }

    fn built(&self, stamp: &str) {
        let (code, said) = self.build(stamp);
        assert_eq!(code, 0, "{said}");
    }

    /// Every file and link with its text.
    fn tree(&self) -> BTreeMap<PathBuf, String> {
        let files = walkdir::WalkDir::new(self.dir.path()).into_iter().flatten().filter(|e| !e.file_type().is_dir());
        let text = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        files.map(|e| (e.path().strip_prefix(self.dir.path()).expect("below").to_owned(), text(e.path()))).collect()
    }

    fn migrations(&self) -> Vec<String> {
        let names = self.tree().into_keys().map(|path| path.to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("project/migrations/")).collect()
    }
}

fn specc<'c>(mut command: Command, dir: &Path, args: &'c [&'c str]) -> Command {
    command.args(args).current_dir(dir);
    for name in ["SPECC_PROJECT", "SPECC_STAMP", "DATABASE_URL"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn output_folders_lie_below_the_output_folder() {
    for path in
        ["/tmp/elsewhere", "../elsewhere", "docs/../../elsewhere", ".git/hooks", ".specc-new/x", ".specc-commit", ""]
    {
        let case = Case::new();
        case.write("specc.toml", &format!("{CONFIG}[output]\ndocs = \"{path}\"\n"));
        let before = case.tree();
        let (code, said) = case.build("20260101000000");
        assert!(code == 1 && said.contains("E0901") && said.contains("specc.toml:4:8"), "{path}: {code} {said}");
        assert_eq!(case.tree(), before, "{path}");
    }
}

#[test]
fn a_folder_that_is_a_link_is_refused() {
    for folder in ["docs", "migrations", "specc", "seeds", "docs/entities"] {
        let case = Case::new();
        let elsewhere = case.dir.path().join("elsewhere");
        fs::create_dir(&elsewhere).expect("a folder");
        fs::create_dir_all(case.project().join(folder).parent().expect("a folder")).expect("a folder");
        std::os::unix::fs::symlink(&elsewhere, case.project().join(folder)).expect("a link");
        let before = case.tree();
        let (code, said) = case.build("20260101000000");
        assert!(code == 1 && said.contains("E0909") && said.contains("is a symbolic link"), "{folder}: {code} {said}");
        assert_eq!(case.tree(), before, "{folder}");
    }
}

#[test]
fn a_file_that_specc_did_not_write_stays() {
    let files = ["docs/README.md", "docs/erd.svg", "docs/entities/notes.md", "seeds/dev.sql"];
    let case = Case::new();
    for file in files {
        case.write(file, "written by hand\n");
    }
    case.write("migrations/20260101000000_init_schema.sql", "-- by hand\n");
    let before = case.tree();
    let (code, said) = case.build("20260101000000");
    assert_eq!(code, 1);
    insta::assert_snapshot!(said);
    for file in files.into_iter().chain(["migrations/20260101000000_init_schema.sql"]) {
        assert!(said.contains(&format!("…/project/{file}\n")), "all of them are shown: {said}");
    }
    assert_eq!(case.tree(), before);
}

#[test]
fn a_file_that_was_made_again_by_hand_stays() {
    let case = Case::new();
    case.built("20260101000000");
    case.write("docs/README.md", "# Our own\n");
    let (code, said) = case.build("20260102000000");
    assert!(code == 1 && said.contains("…/project/docs/README.md"), "{code} {said}");
    assert_eq!(case.read("docs/README.md"), "# Our own\n");
    // One that only was edited says still whose it is.
    let page = case.read("docs/dictionary.md");
    fs::remove_file(case.project().join("docs/README.md")).expect("the file");
    case.write("docs/dictionary.md", &format!("{page}\nnote\n"));
    case.built("20260102000000");
    assert_eq!(case.read("docs/dictionary.md"), page);
}

#[test]
fn pages_of_an_earlier_version_are_replaced() {
    let case = Case::new();
    case.write("docs/README.md", "# case\n");
    case.write("specc/generated.txt", "docs/README.md\n");
    let (code, said) = case.build("20260101000000");
    // The list itself has no mark, but it was specc's.
    assert_eq!(code, 0, "{said}");
    assert!(case.read("docs/README.md").contains("Generated by specc"));
}

#[test]
fn only_own_files_are_removed() {
    let case = Case::new();
    case.built("20260101000000");
    case.write("docs/guide.md", "by hand\n");
    fs::write(
        case.dir.path().join("outside.md"),
        "<!-- Generated by specc from the .dbspec files: change those, not this file. -->\n",
    )
    .expect("a file");
    fs::copy(case.dir.path().join("outside.md"), case.project().join("inside.md")).expect("a file");
    fs::copy(case.dir.path().join("outside.md"), case.project().join("docs/gone.md")).expect("a file");
    let outside = case.dir.path().join("outside.md");
    let list = format!(
        "{}docs/guide.md\ndocs/gone.md\nspecc.toml\na.dbspec\ninside.md\n../outside.md\ndocs/../../outside.md\n{}\n",
        case.read("specc/generated.txt"),
        outside.display()
    );
    case.write("specc/generated.txt", &list);
    case.built("20260102000000");
    for kept in ["docs/guide.md", "specc.toml", "a.dbspec", "inside.md"] {
        assert!(case.project().join(kept).exists(), "{kept} is gone");
    }
    assert!(outside.exists());
    assert!(!case.project().join("docs/gone.md").exists(), "what nothing generates any more goes");
}

#[test]
fn what_the_settings_no_longer_name_goes() {
    let case = Case::new();
    let settings = |output: &str| case.write("specc.toml", &format!("{CONFIG}[output]\n{output}\n"));
    settings("docs = \"docs/schema\"\ntypes = \"src/database.ts\"");
    case.built("20260101000000");
    let page = case.read("docs/schema/README.md");
    case.write("docs/schema/guide.md", "by hand\n");
    case.write("docs/other.md", &page);
    case.write("src/main.ts", "by hand\n");
    settings("docs = \"handbook\"\ntypes = \"src/types/database.ts\"\nseeds = \"rows\"");
    let (code, said) = case.build("20260102000000");
    assert_eq!(code, 0, "{said}");
    for part in [
        "/docs/schema: specc.toml",
        "1 file from …/project/src/database.ts: specc.toml",
        "1 file from …/project/seeds: specc.toml",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let mut left: Vec<PathBuf> = case.tree().into_keys().filter(|path| !path.starts_with("project/handbook")).collect();
    left.retain(|path| {
        ["docs", "src", "seeds", "rows"].iter().any(|at| path.starts_with(Path::new("project").join(at)))
    });
    let expected = ["docs/other.md", "docs/schema/guide.md", "rows/dev.sql", "src/main.ts", "src/types/database.ts"];
    assert_eq!(left, expected.map(|path| Path::new("project").join(path)));
    assert!(!case.project().join("docs/schema/entities").exists() && !case.project().join("seeds").exists());
    assert_eq!(case.read("handbook/README.md"), page);
    // Without a place for the types, there are none; and nothing is said of what is long gone.
    settings("docs = \"handbook\"\nseeds = \"rows\"");
    let (code, said) = case.build("20260103000000");
    assert!(
        code == 0 && said.contains("1 file from …/project/src/types/database.ts") && !said.contains("schema:"),
        "{said}"
    );
    assert!(!case.project().join("src/types").exists());
}

/// A list of folders that somebody wrote leads nowhere else, and removes nothing without the mark.
#[test]
fn folders_of_earlier_settings_lie_below_the_output_folder() {
    for folder in ["..", "../project", ".", "", "/", ".git", ".specc-new"] {
        let case = Case::new();
        case.built("20260101000000");
        case.write("mine/page.md", &case.read("docs/README.md"));
        case.write(".git/page.md", &case.read("docs/README.md"));
        let outside = case.dir.path().join("outside.md");
        fs::write(&outside, case.read("docs/README.md")).expect("a file");
        let list = format!("# folder {folder}\nmine/page.md\n.git/page.md\n../outside.md\na.dbspec\nspecc.toml\n");
        case.write("specc/generated.txt", &(case.read("specc/generated.txt") + &list));
        case.built("20260102000000");
        for kept in ["mine/page.md", ".git/page.md", "a.dbspec", "specc.toml"] {
            assert!(case.project().join(kept).exists(), "{folder}: {kept} is gone");
        }
        assert!(outside.exists(), "{folder}");
    }
}

#[test]
fn state_that_is_not_as_it_was_left() {
    type Damage = fn(&Case);
    let ways: [(&str, Damage); 6] = [
        ("edited", |case| case.write("specc/catalog.json", &case.read("specc/catalog.json").replace("uuid", "text"))),
        ("catalog gone", |case| fs::remove_file(case.project().join("specc/catalog.json")).expect("the file")),
        ("sums gone", |case| fs::remove_file(case.project().join("specc/checksums.toml")).expect("the file")),
        ("both gone", |case| fs::remove_dir_all(case.project().join("specc")).expect("the folder")),
        ("sums broken", |case| case.write("specc/checksums.toml", "[files]\n\"a\" = ")),
        ("sums of nothing", |case| case.write("specc/checksums.toml", "[files]\n")),
    ];
    for (name, damage) in ways {
        let case = Case::new();
        case.built("20260101000000");
        damage(&case);
        case.move_on();
        let before = case.tree();
        for args in [&["build", "--stamp", "20260102000000"][..], &["diff", "--offline-ok"], &["verify"]] {
            let (code, said) = case.run(args);
            assert!(code == 1 && said.contains("E0910"), "{name}, {args:?}: {code} {said}");
            assert!(said.contains("git checkout"), "{said}");
            if (name, args[0]) == ("both gone", "build") {
                insta::assert_snapshot!(said);
            }
        }
        assert_eq!(case.tree(), before, "{name}");
    }
}

#[test]
fn a_plan_or_a_down_script_that_was_edited() {
    for folder in ["specc/down", "specc/plans"] {
        let case = Case::new();
        case.built("20260101000000");
        let first =
            fs::read_dir(case.project().join(folder)).expect("a folder").next().expect("a file").expect("a file");
        fs::write(first.path(), "{}\n-- edited\n").expect("a file");
        let (code, said) = case.build("20260102000000");
        assert!(code == 1 && said.contains("E0904"), "{folder}: {code} {said}");
    }
}

/// What a stranger may put into a repository in the shape of a build that was killed.
#[test]
fn a_commit_that_no_build_made_is_refused() {
    let mark = "-- Generated by specc from the .dbspec files: change those, not this file.\n";
    for path in [".git/hooks/pre-commit", "Makefile", "docs/README.md", "specc/../x"] {
        let case = Case::new();
        case.write("docs/README.md", "by hand\n");
        case.write(&format!(".specc-commit/files/{path}"), mark);
        let (code, said) = case.build("20260101000000");
        if path == "specc/../x" {
            // On disk that is `x`.
            assert!(!case.project().join("x").exists());
        }
        assert!(code == 1 && said.contains("E0909") && said.contains(".specc-commit"), "{path}: {code} {said}");
        assert_eq!(case.read("docs/README.md"), "by hand\n");
        assert!(!case.project().join(".git").exists() && !case.project().join("Makefile").exists());
    }
    let case = Case::new();
    case.built("20260101000000");
    case.write("docs/guide.md", "by hand\n");
    case.write(".specc-commit/removed", "a.dbspec\n../project/a.dbspec\ndocs/guide.md\n");
    case.built("20260102000000");
    assert!(case.project().join("a.dbspec").exists() && case.project().join("docs/guide.md").exists());
}

/// What a killed build staged goes; what somebody put beside it does not.
#[test]
fn a_file_of_somebody_in_the_folder_of_what_is_staged() {
    for name in [".specc-new/notes.txt", ".specc-new/files/docs/../notes.txt"] {
        let case = Case::new();
        case.write(name, "by hand\n");
        let (code, said) = case.build("20260101000000");
        assert!(code == 1 && said.contains("E0909") && said.contains("remove"), "{name}: {code} {said}");
        assert_eq!(case.read(name), "by hand\n");
    }
    let case = Case::new();
    case.write(".specc-new/files/docs/README.md", "half");
    case.write(".specc-new/removed", "");
    case.built("20260101000000");
    assert!(!case.project().join(".specc-new").exists());
}

/// A checkout on another system may have other line ends.
#[test]
fn a_checkout_with_other_line_ends() {
    let case = Case::new();
    case.built("20260101000000");
    let mut exchanged = 0;
    for path in case.tree().keys().filter_map(|path| path.strip_prefix("project").ok()) {
        if path.starts_with("specc") || path.starts_with("migrations") {
            let path = path.to_str().expect("a name");
            case.write(path, &case.read(path).replace('\n', "\r\n"));
            exchanged += 1;
        }
    }
    assert!(exchanged > 3, "{exchanged} files");
    case.move_on();
    for args in [&["diff", "--offline-ok"][..], &["build", "--stamp", "20260102000000"]] {
        let (code, said) = case.run(args);
        assert!(code != 1 && !said.contains("E0910"), "{args:?}: {code} {said}");
    }
    assert_eq!(case.migrations().len(), 2);
}

/// Links that would lead what specc writes for itself elsewhere.
#[test]
fn links_in_place_of_own_files() {
    for name in [".specc-lock", ".specc-new", ".specc-commit", "specc/catalog.json", "docs/README.md"] {
        let case = Case::new();
        let outside = case.dir.path().join("outside");
        fs::write(&outside, "as it was\n").expect("a file");
        fs::create_dir_all(case.project().join(name).parent().expect("a folder")).expect("a folder");
        std::os::unix::fs::symlink(&outside, case.project().join(name)).expect("a link");
        let (code, said) = case.build("20260101000000");
        assert!(code != 0, "{name}: {said}");
        assert_eq!(fs::read_to_string(&outside).expect("the file"), "as it was\n", "{name}");
    }
    let case = Case::new();
    let outside = case.dir.path().join("outside");
    fs::write(&outside, "as it was\n").expect("a file");
    std::os::unix::fs::symlink(&outside, case.project().join("a.dbspec.specc-new")).expect("a link");
    case.write("a.dbspec", &NOTES.replace("  text", "      text"));
    assert_eq!(case.run(&["fmt"]).0, 0);
    assert_eq!(fs::read_to_string(&outside).expect("the file"), "as it was\n");
}

/// After a merge that took one side's state, the other side's migration is known to nobody.
#[test]
fn a_migration_that_the_state_does_not_know() {
    let case = Case::new();
    case.built("20260101000000");
    let before = (case.read("specc/catalog.json"), case.read("specc/checksums.toml"));
    case.move_on();
    case.built("20260102000000");
    case.write("specc/catalog.json", &before.0);
    case.write("specc/checksums.toml", &before.1);
    let (code, said) = case.build("20260103000000");
    assert!(code == 1 && said.contains("E0910") && said.contains("does not know"), "{code} {said}");
    assert_eq!(case.migrations().len(), 2);
}

#[test]
fn a_folder_that_moves_between_builds() {
    let case = Case::new();
    case.built("20260101000000");
    case.write("specc.toml", &format!("{CONFIG}[output]\nmigrations = \"db/migrations\"\n"));
    case.move_on();
    let before = case.tree();
    let (code, said) = case.build("20260102000000");
    assert!(code == 1 && said.contains("E0910") && said.contains("another folder"), "{code} {said}");
    assert_eq!(case.tree(), before);
}

#[test]
fn two_files_of_one_stamp() {
    let case = Case::new();
    case.built("20260101000000");
    case.write("migrations/20260102000000_by_hand.sql", "select 1;\n");
    case.move_on();
    let (code, said) = case.build("20260102000000");
    assert!(code == 2 && said.contains("20260102000000_by_hand.sql"), "{code} {said}");
    case.built("20260102000001");
}

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
