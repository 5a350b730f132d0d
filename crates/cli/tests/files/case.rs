//! A project in a folder of its own, built and changed by the program.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub const CONFIG: &str = "name = \"case\"\ntarget = \"postgres\"\n";
pub const NOTES: &str = "entity notes {\n  id: uuid = gen_random_uuid() key\n  text: text\n  rls off\n}\n";
pub const SEEDS: &str = "seed dev {\n  notes one { text: 'one' }\n}\n";

/// A project in a folder of its own, beside which nothing is.
pub struct Case {
    pub dir: tempfile::TempDir,
}

impl Case {
    pub fn new() -> Self {
        let case = Self { dir: tempfile::tempdir().expect("a folder") };
        fs::create_dir(case.project()).expect("a folder");
        case.write("specc.toml", CONFIG);
        case.write("a.dbspec", &format!("{NOTES}{SEEDS}"));
        case
    }

    pub fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.project().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.project().join(path)).expect("a file")
    }

    /// A later state of the spec.
    pub fn move_on(&self) {
        self.write("a.dbspec", &format!("{}{SEEDS}", NOTES.replace("text: text", "text: text\n  size: int = 0")));
    }

    /// Exit code, and what is said without the folder's own name.
    pub fn run(&self, args: &[&str]) -> (i32, String) {
        let out = specc(Command::new(env!("CARGO_BIN_EXE_specc")), &self.project(), args).output().expect("specc runs");
        self.said(&out)
    }

    pub fn said(&self, out: &Output) -> (i32, String) {
        let text = String::from_utf8_lossy(&out.stderr);
        let real = self.dir.path().canonicalize().expect("a folder");
        let text = text.replace(&*real.to_string_lossy(), "…").replace(&*self.dir.path().to_string_lossy(), "…");
        (out.status.code().unwrap_or(-1), text)
    }

    pub fn build(&self, stamp: &str) -> (i32, String) {
        self.run(&["build", "--stamp", stamp])
    }

    pub fn built(&self, stamp: &str) {
        let (code, said) = self.build(stamp);
        assert_eq!(code, 0, "{said}");
    }

    /// Every file and link with its text.
    pub fn tree(&self) -> BTreeMap<PathBuf, String> {
        let files = walkdir::WalkDir::new(self.dir.path()).into_iter().flatten().filter(|e| !e.file_type().is_dir());
        let text = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        files.map(|e| (e.path().strip_prefix(self.dir.path()).expect("below").to_owned(), text(e.path()))).collect()
    }

    pub fn migrations(&self) -> Vec<String> {
        let names = self.tree().into_keys().map(|path| path.to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("project/migrations/")).collect()
    }
}

/// The program in a folder, with nothing around it that names a project.
pub fn specc<'c>(mut command: Command, dir: &Path, args: &'c [&'c str]) -> Command {
    command.args(args).current_dir(dir);
    for name in ["SPECC_PROJECT", "SPECC_STAMP", "DATABASE_URL"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}
