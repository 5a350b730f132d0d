//! Writing files so that nobody ever sees half of one, or some of them without the rest where that can be helped.

use crate::report::Failure;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file to write, relative to the output folder.
pub struct File {
    pub path: PathBuf,
    pub contents: String,
}

/// What became of the files.
#[derive(Default)]
pub struct Written {
    /// Written, since they are new or different.
    pub changed: Vec<PathBuf>,
    /// As they were.
    pub unchanged: usize,
    /// Removed, since nothing generates them any more.
    pub removed: Vec<PathBuf>,
}

/// Writes `files` below `root`: all are first written beside their places, then each is moved into place. Files that
/// have the right contents already are not touched. `stale` files are removed at the end.
///
/// # Errors
/// Where something cannot be written; then no file has changed, unless moving itself failed half-way.
pub fn write(root: &Path, files: &[File], stale: &[PathBuf]) -> Result<Written, Failure> {
    let failed = |path: &Path, error: std::io::Error| Failure::broken(format!("cannot write {}: {error}", path.display()));
    let mut written = Written::default();
    let mut ready = Vec::new();
    let mut folders = std::collections::BTreeSet::new();
    for file in files {
        let target = root.join(&file.path);
        if same(&target, file.contents.as_bytes()) {
            written.unchanged += 1;
            continue;
        }
        let folder = target.parent().unwrap_or(root).to_path_buf();
        if folders.insert(folder.clone()) {
            std::fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
        }
        let mut temporary = tempfile::Builder::new()
            .prefix(".specc-")
            .permissions(permissions())
            .tempfile_in(&folder)
            .map_err(|error| failed(&target, error))?;
        temporary.write_all(file.contents.as_bytes()).map_err(|error| failed(&target, error))?;
        ready.push((temporary, target, &file.path));
    }
    for (temporary, target, path) in ready {
        temporary.persist(&target).map_err(|error| failed(&target, error.error))?;
        written.changed.push(path.clone());
    }
    for path in stale {
        let target = root.join(path);
        if target.is_file() {
            std::fs::remove_file(&target).map_err(|error| failed(&target, error))?;
            written.removed.push(path.clone());
        }
    }
    Ok(written)
}

/// The permissions of an ordinary new file, not the private ones of a temporary file.
fn permissions() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(0o644)
}

fn same(path: &Path, contents: &[u8]) -> bool {
    let right_size = std::fs::metadata(path).is_ok_and(|m| m.len() == contents.len() as u64);
    right_size && std::fs::read(path).is_ok_and(|now| now == contents)
}
