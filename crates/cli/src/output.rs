//! Writing files so that nobody ever sees half of one, or some of them without the rest where that can be helped.

use crate::report::Failure;
use rayon::prelude::*;
use std::collections::BTreeSet;
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
    let targets: Vec<PathBuf> = files.iter().map(|file| root.join(&file.path)).collect();
    let folders: BTreeSet<&Path> = targets.iter().map(|target| target.parent().unwrap_or(root)).collect();
    for folder in folders {
        std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    }
    let beside = |(file, target): (&File, &PathBuf)| -> Result<Option<tempfile::TempPath>, Failure> {
        if same(target, file.contents.as_bytes()) {
            return Ok(None);
        }
        let mut temporary = tempfile::Builder::new()
            .prefix(".specc-")
            .permissions(permissions())
            .tempfile_in(target.parent().unwrap_or(root))
            .map_err(|error| failed(target, error))?;
        temporary.write_all(file.contents.as_bytes()).map_err(|error| failed(target, error))?;
        // Closed here: thousands may not be open at once.
        Ok(Some(temporary.into_temp_path()))
    };
    let ready: Vec<_> = files.par_iter().zip(&targets).map(beside).collect::<Result<_, _>>()?;
    let mut written = Written { unchanged: ready.iter().filter(|r| r.is_none()).count(), ..Written::default() };
    written.changed = ready
        .into_par_iter()
        .zip(&targets)
        .zip(files)
        .filter_map(|((temporary, target), file)| {
            let moved = temporary?.persist(target);
            Some(moved.map(|()| file.path.clone()).map_err(|error| failed(target, error.error)))
        })
        .collect::<Result<_, _>>()?;
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
