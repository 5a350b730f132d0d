//! Two branches of one project, merged by git: what specc's own files become, and what a database of either branch takes.

#![allow(clippy::disallowed_methods)]

use specc_postgres::{Database, shared};
use std::fs;
use std::process::{Command, Output};

const USERS: &str = "entity users {\n  id: int key\n  name: text\n\n\n\n\n  rls off\n}\n";
const NOTES: &str = "entity notes {\n  id: int key\n  text: text\n\n\n\n\n  rls off\n}\n";

/// A repository with a project in a folder of it, and a program of the name that the merge driver asks for.
struct Team {
    dir: tempfile::TempDir,
}

impl Team {
    fn new(driver: bool) -> Self {
        let team = Self { dir: tempfile::tempdir().expect("a folder") };
        fs::create_dir_all(team.project()).expect("a folder");
        fs::create_dir(team.dir.path().join("bin")).expect("a folder");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_specc"), team.dir.path().join("bin/specc")).expect("a link");
        team.git(&["init", "--quiet", "--initial-branch=main"]);
        team.write("specc.toml", "name = \"case\"\ntarget = \"postgres\"\n");
        team.write("users.dbspec", USERS);
        team.write("notes.dbspec", NOTES);
        if driver {
            assert_eq!(team.specc(&["init", "--merge-driver", "."]).0, 0);
        }
        team.build("20260101000000");
        team.commit("first");
        team
    }

    fn project(&self) -> std::path::PathBuf {
        self.dir.path().join("repository/db")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.project().join(name), text).expect("a file");
    }

    fn command(&self, program: &str, args: &[&str]) -> Output {
        let path = format!("{}:{}", self.dir.path().join("bin").display(), std::env::var("PATH").expect("a path"));
        let mut command = Command::new(program);
        command.args(args).current_dir(self.project()).env("PATH", path).env("HOME", self.dir.path());
        command.env_remove("SPECC_PROJECT").env_remove("DATABASE_URL");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@example.com");
        }
        command.output().expect("it runs")
    }

    fn specc(&self, args: &[&str]) -> (i32, String) {
        let out = self.command(env!("CARGO_BIN_EXE_specc"), args);
        let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        (out.status.code().unwrap_or(-1), said.replace(&*self.dir.path().to_string_lossy(), "…"))
    }

    fn build(&self, stamp: &str) {
        let (code, said) = self.specc(&["build", "--stamp", stamp, "--allow-data-loss"]);
        assert_eq!(code, 0, "{said}");
    }

    /// Whether git did it, and what it said.
    fn git(&self, args: &[&str]) -> (bool, String) {
        let out = self.command("git", args);
        let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        (out.status.success(), said)
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        let (done, said) = self.git(&["commit", "--quiet", "--message", message]);
        assert!(done, "{said}");
    }

    /// A branch from `main` with a change, built.
    fn branch(&self, name: &str, stamp: &str, change: impl FnOnce(&Self)) {
        self.git(&["checkout", "--quiet", "-b", name, "main"]);
        change(self);
        self.build(stamp);
        self.commit(name);
    }

    /// Two branches; `main` is at the first of them, and the second is checked out.
    fn branches(driver: bool, main: impl FnOnce(&Self), feature: impl FnOnce(&Self)) -> Self {
        let team = Self::new(driver);
        team.branch("other", "20260103000000", main);
        team.git(&["checkout", "--quiet", "main"]);
        team.branch("feature", "20260102000000", feature);
        team.git(&["branch", "--force", "main", "other"]);
        team
    }

    fn migrations(&self) -> Vec<String> {
        let mut names: Vec<String> = (fs::read_dir(self.project().join("migrations")).expect("a folder"))
            .map(|file| file.expect("a file").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// The migrations of the tree run on a database, those of `applied` first; and what the spec says is what is there.
    fn holds(&self, applied: Option<&str>) {
        let db = shared(15).empty_database().expect("a database");
        let apply = |flags: &[&str]| {
            let (code, said) = self.specc(&[&["apply", "--database-url", &url(&db)], flags].concat());
            assert_eq!(code, 0, "{said}");
        };
        if let Some(commit) = applied {
            self.git(&["stash", "--include-untracked"]);
            let (done, said) = self.git(&["checkout", "--quiet", "--detach", commit]);
            assert!(done, "{said}");
            apply(&[]);
            self.git(&["checkout", "--quiet", "feature"]);
            self.git(&["stash", "pop"]);
        }
        apply(&["--out-of-order"]);
        let (code, said) = self.specc(&["drift", "--database-url", &url(&db)]);
        assert_eq!(code, 0, "{said}");
        let (code, said) = self.specc(&["build"]);
        assert!(code == 0 && said.contains("nothing changed"), "{said}");
    }
}

fn url(db: &Database) -> String {
    db.url("postgres")
}

fn size(team: &Team) {
    team.write("notes.dbspec", &NOTES.replace("text: text", "text: text\n  size: int = 0"));
}

fn tags(team: &Team) {
    team.write("tags.dbspec", "entity tags {\n  id: int key\n  note_id -> notes\n  rls off\n}\n");
}

#[test]
fn what_touches_nothing_in_common_merges_by_itself() {
    let age = |team: &Team| team.write("users.dbspec", &USERS.replace("name: text", "name: text\n  age: int = 0"));
    let team = Team::branches(true, size, age);
    let (done, said) = team.git(&["merge", "--quiet", "main"]);
    assert!(done, "{said}");
    assert_eq!(team.migrations().len(), 3, "{:?}", team.migrations());
    let (code, said) = team.specc(&["build"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(team.migrations().len(), 3, "the migrations of both are all there is: {said}");
    team.commit("the pages of both");
    team.holds(Some("main"));
    team.holds(Some("HEAD~1^1"));
    // Run in the order of their stamps instead, they have later ones.
    let (code, said) = team.specc(&["rebase", "--onto", "main", "--stamp", "20260104000000"]);
    assert_eq!(code, 0, "{said}");
    let names = team.migrations();
    assert!(names.len() == 3 && names[2].starts_with("20260104000000"), "{names:?}");
    team.commit("later");
    team.holds(Some("main"));
}

#[test]
fn what_clashes_is_named_and_planned_anew() {
    for driver in [true, false] {
        let team = Team::branches(driver, tags, |team| {
            team.write("notes.dbspec", &NOTES.replace("text: text", "text: varchar(200)"));
            team.write("tags.dbspec", "entity tags {\n  id: int key\n  user_id -> users\n  rls off\n}\n");
        });
        let (done, said) = team.git(&["merge", "main"]);
        assert!(!done, "{said}");
        if driver {
            assert!(said.contains("both change table public.tags"), "{said}");
        }
        let (code, said) = team.specc(&["build"]);
        assert_ne!(code, 0, "a build goes on from a merge that is not done: {said}");
        team.write(
            "tags.dbspec",
            "entity tags {\n  id: int key\n  note_id -> notes\n  user_id -> users\n  rls off\n}\n",
        );
        let (code, said) = team.specc(&["build"]);
        assert_eq!(code, 1, "{said}");
        if driver {
            insta::assert_snapshot!("both_sides", said);
        }
        let (code, said) = team.specc(&["rebase", "--stamp", "20260104000000", "--allow-data-loss"]);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("of this branch planned anew"), "{said}");
        let names = team.migrations();
        assert!(names.iter().all(|name| !name.starts_with("20260102")), "{names:?}");
        team.commit("merged");
        team.holds(Some("main"));
        team.holds(None);
    }
}

/// `git rebase` shows the other branch as "ours".
#[test]
fn a_rebase_of_git_keeps_the_history_that_it_goes_onto() {
    let team = Team::branches(false, size, tags);
    let (done, said) = team.git(&["rebase", "main"]);
    assert!(!done, "{said}");
    let (code, said) = team.specc(&["rebase", "--stamp", "20260104000000"]);
    assert_eq!(code, 0, "{said}");
    team.git(&["add", "--all"]);
    let (done, said) = team.git(&["-c", "core.editor=true", "rebase", "--continue"]);
    assert!(done, "{said}");
    let names = team.migrations();
    assert!(names.len() == 3 && names[1].starts_with("20260103") && names[2].starts_with("20260104"), "{names:?}");
    team.holds(Some("main"));
}

#[test]
fn two_migrations_of_one_stamp_are_found() {
    let team = Team::new(true);
    team.branch("other", "20260102000000", size);
    team.git(&["checkout", "--quiet", "main"]);
    team.branch("feature", "20260102000000", |team| {
        team.write("users.dbspec", &USERS.replace("name: text", "name: text\n  age: int = 0"));
    });
    let (done, said) = team.git(&["merge", "--quiet", "other"]);
    assert!(done, "{said}");
    let (code, said) = team.specc(&["build"]);
    assert_eq!(code, 1, "{said}");
    insta::assert_snapshot!("one_stamp", said);
    let (code, said) = team.specc(&["rebase", "--onto", "other"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(team.specc(&["build"]).0, 0);
}

#[test]
fn a_wrong_word_is_no_commit() {
    let team = Team::branches(true, size, tags);
    let before = team.migrations();
    for (args, wanted) in [
        (&["rebase"][..], "say whose migrations stay"),
        (&["rebase", "--onto", "nowhere"], "git knows no commit `nowhere`"),
        (&["rebase", "--onto=--upload-pack=touch x"], "git knows no commit"),
        (&["rebase", "--onto", "main:db/specc.toml"], "git knows no commit"),
    ] {
        let (code, said) = team.specc(args);
        assert!(code == 2 && said.contains(wanted), "{args:?}: {code} {said}");
    }
    assert_eq!(team.migrations(), before);
    // A commit from before the project has nothing to go onto.
    team.git(&["checkout", "--quiet", "--orphan", "empty"]);
    team.git(&["rm", "-r", "--quiet", "--cached", "."]);
    let (done, said) = team.git(&["commit", "--quiet", "--allow-empty", "--message", "empty"]);
    assert!(done, "{said}");
    team.git(&["checkout", "--quiet", "--force", "feature"]);
    let (code, said) = team.specc(&["rebase", "--onto", "empty"]);
    assert!(code == 2 && said.contains("nothing to plan on top of"), "{code} {said}");
    assert_eq!(team.migrations(), before);
    assert!(!team.project().join("x").exists());
}
