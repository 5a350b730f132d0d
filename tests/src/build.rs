//! Specs to files, by the command line as users run it.

use specc_diag::Sources;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, OnceLock};
use tempfile::TempDir;

/// The stamp of all builds here: the same input gives the same bytes.
pub const STAMP: &str = "20260101000000";

/// The files that a build wrote.
pub struct Built {
    dir: TempDir,
    layout: Layout,
}

/// Where a build writes, which depends on what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `target = "supabase"`
    Supabase,
    /// `target = "postgres"`
    Postgres,
}

impl Built {
    /// The output folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What it was built for.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Name and text of each migration, in the order in which they run.
    pub fn migrations(&self) -> Vec<(String, String)> {
        let found = self.sql(match self.layout {
            Layout::Supabase => "supabase/migrations",
            Layout::Postgres => "migrations",
        });
        assert!(!found.is_empty(), "the build wrote no migration: {:?}", files(self.dir()).keys());
        found
    }

    /// Name and text of the down script of each migration, in the order in which they run: the last migration's first.
    pub fn downs(&self) -> Vec<(String, String)> {
        let mut found = self.sql("specc/down");
        found.reverse();
        assert_eq!(found.len(), self.migrations().len(), "each migration has a down script");
        found
    }

    /// The seed of an environment, if there is one.
    pub fn seed(&self, env: &str) -> Option<String> {
        self.seeds().into_iter().find(|(name, _)| *name == format!("{env}.sql")).map(|(_, text)| text)
    }

    /// Name and text of the seed of each environment.
    pub fn seeds(&self) -> Vec<(String, String)> {
        self.sql(match self.layout {
            Layout::Supabase => "supabase/seeds",
            Layout::Postgres => "seeds",
        })
    }

    fn sql(&self, folder: &str) -> Vec<(String, String)> {
        let found = files(&self.dir().join(folder));
        let text = |bytes| String::from_utf8(bytes).expect("SQL is UTF-8");
        found.into_iter().filter(|(name, _)| name.ends_with(".sql")).map(|(name, bytes)| (name, text(bytes))).collect()
    }
}

/// The folders under `specs/`, in order of their names.
pub fn specs() -> Vec<String> {
    let entries = fs::read_dir(root().join("specs")).expect("the specs");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("a spec").path())
        .filter(|path| path.join("specc.toml").is_file())
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The files of a folder under `specs/`, sorted: name and text.
pub fn spec_files(name: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(root().join("specs").join(name)).expect("the spec");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "dbspec"));
    paths.sort();
    let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read_to_string(path).expect("a text"))).collect()
}

/// What a build of a folder under `specs/` gives, built once in this process.
pub fn spec(name: &str) -> &'static Built {
    static ALL: Mutex<BTreeMap<String, &'static OnceLock<Built>>> = Mutex::new(BTreeMap::new());
    let slot = *ALL.lock().unwrap().entry(name.to_owned()).or_insert_with(|| Box::leak(Box::default()));
    slot.get_or_init(|| build(&root().join("specs").join(name)))
}

/// What a build of this text gives, for Supabase.
pub fn project(text: &str) -> Built {
    project_for(Layout::Supabase, text)
}

/// What a build of this text gives.
pub fn project_for(layout: Layout, text: &str) -> Built {
    let dir = tempfile::tempdir().expect("a folder");
    write_project(dir.path(), layout, text);
    build(dir.path())
}

/// Makes a project folder of one file.
pub fn write_project(dir: &Path, layout: Layout, text: &str) {
    let target = format!("{layout:?}").to_lowercase();
    fs::write(dir.join("specc.toml"), format!("name = \"case\"\ntarget = \"{target}\"\n")).expect("specc.toml");
    fs::write(dir.join("case.dbspec"), text).expect("case.dbspec");
}

/// Builds a project folder into a folder of its own.
pub fn build(project: &Path) -> Built {
    let dir = tempfile::tempdir().expect("a folder");
    run_build(project, dir.path());
    let config = fs::read_to_string(project.join("specc.toml")).expect("specc.toml");
    let layout = if config.contains("target = \"postgres\"") { Layout::Postgres } else { Layout::Supabase };
    Built { dir, layout }
}

/// Builds a project folder into a given folder.
pub fn run_build(project: &Path, out: &Path) {
    let path = |p: &Path| p.to_str().expect("a path in UTF-8").to_owned();
    let code = specc::run(["specc", "build", "--project", &path(project), "--out", &path(out), "--stamp", STAMP]);
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS), "specc build {}", project.display());
}

/// Code and message of each finding about this text.
pub fn findings(text: &str) -> Vec<(String, String)> {
    let mut sources = Sources::new();
    let file = sources.add("case.dbspec", text.to_owned());
    let (tree, mut found) = specc_syntax::parse(file, text);
    let (model, more) = specc_model::analyze(vec![tree], &mut sources, specc_model::Options::default());
    found.extend(more);
    if !specc_diag::has_errors(&found) {
        found.extend(specc_lower::lower(&model).1);
    }
    found.into_iter().map(|d| (d.code.name().to_owned(), d.message.to_string())).collect()
}

/// Every file under a folder, by its path in it.
pub fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(dir).expect("it is inside").to_string_lossy().into_owned();
                found.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

/// The workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace").to_path_buf()
}
