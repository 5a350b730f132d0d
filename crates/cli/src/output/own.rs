//! Which files specc may write, replace and remove: only its own, below the output folders. Where the settings named other
//! folders for the last build, its files there are removed, and none is written.

use super::failed;
use super::sort::{HEAD, sort};
use crate::config::Config;
use crate::project::{self, CONFIG};
use crate::report::Failure;
use rustc_hash::FxHashSet;
use specc_diag::codes;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// Where a project's files go, relative to the output folder, and which of them a build is known to have written.
#[derive(Clone, Default)]
pub struct Own {
    folders: Vec<PathBuf>,
    listed: FxHashSet<PathBuf>,
    /// Folders and files that the settings named when the last build wrote there: what it left is removed.
    earlier: Vec<PathBuf>,
}

/// Before the name of such a folder, in a list of files.
pub const FOLDER: &str = "# folder ";

/// The folders that a list of files names, one a line.
pub fn folders_of(list: &str) -> Vec<PathBuf> {
    let named = list.lines().filter_map(|line| line.strip_prefix(FOLDER)).map(PathBuf::from);
    named.filter(|folder| folder.components().next().is_some() && folder.components().all(is_plain)).collect()
}

impl Own {
    /// The folders that the settings name, and the files of types.
    pub fn of(config: &Config) -> Self {
        let mut folders = vec![config.migrations(), config.state()];
        folders.extend(config.generated());
        Self { folders, ..Self::default() }
    }

    /// All of a folder that is for nothing else.
    pub fn whole() -> Self {
        Self { folders: vec![PathBuf::new()], ..Self::default() }
    }

    /// One file.
    pub fn one(name: &Path) -> Self {
        Self { folders: vec![name.to_path_buf()], ..Self::default() }
    }

    /// Files that an earlier version listed as its own: they have no mark.
    pub fn list(&mut self, paths: &[String]) {
        self.listed.extend(paths.iter().map(PathBuf::from));
    }

    /// Whether a file of this name, relative to the output folder, may be written at all: what stands in a stored file may
    /// be anything.
    pub fn is_place(&self, path: &Path) -> bool {
        let plain = path.components().all(is_plain);
        let spec = path.extension().is_some_and(|end| end == "dbspec") || path == Path::new(CONFIG);
        plain && (spec || self.folders.iter().any(|folder| path.starts_with(folder)))
    }

    /// Folders and files that the settings named when the last build wrote there.
    pub fn wrote_in(&mut self, folders: &[PathBuf]) {
        self.earlier.extend(folders.iter().filter(|folder| !self.folders.contains(folder)).cloned());
    }

    /// A line for each of them.
    pub fn earlier(&self) -> String {
        self.earlier.iter().map(|folder| format!("{FOLDER}{}\n", folder.display())).collect()
    }

    /// Whether a file of this name may be removed where it has specc's mark.
    pub fn may_remove(&self, path: &Path) -> bool {
        let spec = path.extension().is_some_and(|end| end == "dbspec") || path == Path::new(CONFIG);
        let was = path.components().all(is_plain) && self.earlier.iter().any(|folder| path.starts_with(folder));
        !spec && (was || self.is_place(path))
    }

    /// Whether the file that is at this place may be replaced.
    pub fn may_replace(&self, root: &Path, path: &Path) -> bool {
        self.listed.contains(path) || is_marked(&root.join(path))
    }
}

/// Whether a part of a path leads down, and not into what git or specc keeps for itself.
pub fn is_plain(part: Component<'_>) -> bool {
    let kept = |name: &str| name == ".git" || name.starts_with(".specc-");
    matches!(part, Component::Normal(name) if !name.to_str().is_some_and(kept))
}

/// How a file begins, if it is one.
fn head(path: &Path) -> Option<String> {
    let mut head = Vec::new();
    path.symlink_metadata().ok().filter(std::fs::Metadata::is_file)?;
    std::fs::File::open(path).ok()?.take(HEAD as u64).read_to_end(&mut head).ok()?;
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// Whether a file says that specc wrote it.
pub fn is_marked(path: &Path) -> bool {
    head(path).is_some_and(|head| !sort(&head).is_empty())
}

/// Refuses to write over what has the mark and is something else: a migration, or types of another language.
///
/// # Errors
/// Such a file.
pub fn same_sort(path: &Path, contents: &str) -> Result<(), Failure> {
    let Some(head) = head(path) else { return Ok(()) };
    let begins = &contents.as_bytes()[..contents.len().min(HEAD)];
    let (there, new) = (sort(&head), sort(&String::from_utf8_lossy(begins)));
    if there.is_empty() || there == new {
        return Ok(());
    }
    let text = format!(
        "{} has {there} in it, and this would write {new} over it\n  \
         help: name another file, or remove this one if nothing reads it any more",
        path.display()
    );
    Err(Failure::Refused(Some(codes::OTHER_SORT), text))
}

/// The files of a folder that specc wrote.
///
/// # Errors
/// Where the folder cannot be read.
pub fn marked_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = project::listed(folder)?;
    paths.retain(|path| is_marked(path));
    Ok(paths)
}

/// Refuses a folder that is reached through a symbolic link: what is written there lands elsewhere.
///
/// # Errors
/// The link, and what to write instead.
pub fn plain_folder(root: &Path, folder: &Path) -> Result<(), Failure> {
    let below = folder.strip_prefix(root).unwrap_or(folder);
    let mut at = root.to_path_buf();
    for part in below.components() {
        at.push(part);
        match at.symlink_metadata() {
            Ok(found) if found.is_symlink() => {
                let text = format!(
                    "{} is a symbolic link, so files would be written outside of the output folder\n  \
                     help: make it a folder, or name another output folder with `--out`",
                    at.display()
                );
                return Err(Failure::Refused(Some(codes::FOREIGN_FILE), text));
            }
            Ok(found) if !found.is_dir() => {
                let text = format!(
                    "{} is a file, where a folder has to be\n  help: move it, or name another folder in `[output]` of {CONFIG}",
                    at.display()
                );
                return Err(Failure::Refused(Some(codes::FOREIGN_FILE), text));
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(&at, error)),
        }
    }
    Ok(())
}

/// Files that are there and that specc did not write.
pub fn foreign(root: &Path, paths: &[PathBuf]) -> Failure {
    let one = if let [_] = paths { "this file was" } else { "these files were" };
    let list: String = paths.iter().map(|path| format!("\n  {}", root.join(path).display())).collect();
    let text = format!(
        "{one} not written by specc, and the build would replace them:{list}\n  \
         help: move them, or name other folders in {CONFIG}: `[output]` with `docs = \"docs/schema\"`"
    );
    Failure::Refused(Some(codes::FOREIGN_FILE), text)
}
