//! Writing files so that nobody ever sees half of one, or some of them without the rest where that can be helped.

use crate::report::Failure;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::{TempDir, TempPath};

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

/// Files on their way to their places below a folder. Each is first written beside its place, or, where its folder is
/// new, into a folder that becomes it; [`Stage::finish`] moves all of them. Without that nothing has changed.
pub struct Stage<'r> {
    root: &'r Path,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// New folders, and what becomes them.
    folders: BTreeMap<PathBuf, TempDir>,
    /// Where the files of a folder are written: in the folder itself, or elsewhere where it is new.
    places: FxHashMap<PathBuf, Option<PathBuf>>,
    /// Written beside their places.
    beside: Vec<(TempPath, PathBuf)>,
    written: Written,
}

impl<'r> Stage<'r> {
    /// Nothing yet, below `root`.
    pub fn new(root: &'r Path) -> Self {
        Self { root, state: Mutex::default() }
    }

    /// Adds a file; one that has the right contents already is left alone. May be called from several threads.
    ///
    /// # Errors
    /// Where something cannot be written.
    pub fn add(&self, path: PathBuf, contents: &str) -> Result<(), Failure> {
        let target = self.root.join(&path);
        let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match self.place(folder).map_err(|error| failed(folder, error))? {
            Some(elsewhere) => {
                let staged = elsewhere.join(target.file_name().unwrap_or_default());
                std::fs::write(staged, contents).map_err(|error| failed(&target, error))?;
            }
            None if same(&target, contents.as_bytes()) => {
                self.state().written.unchanged += 1;
                return Ok(());
            }
            None => {
                let temporary = beside(folder, contents).map_err(|error| failed(&target, error))?;
                self.state().beside.push((temporary, target));
            }
        }
        self.state().written.changed.push(path);
        Ok(())
    }

    /// Moves everything into place and removes `stale` files.
    ///
    /// # Errors
    /// Where something cannot be moved or removed.
    pub fn finish(self, stale: &[PathBuf]) -> Result<Written, Failure> {
        let State { folders, beside, mut written, .. } =
            self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (folder, staged) in folders {
            std::fs::rename(staged.path(), &folder).map_err(|error| failed(&folder, error))?;
            // It is where it belongs, and nothing to clean up.
            let _ = staged.keep();
        }
        let move_one = |(temporary, target): (TempPath, PathBuf)| {
            temporary.persist(&target).map_err(|error| failed(&target, error.error))
        };
        beside.into_par_iter().try_for_each(move_one)?;
        for path in stale {
            let target = self.root.join(path);
            if target.is_file() {
                std::fs::remove_file(&target).map_err(|error| failed(&target, error))?;
                written.removed.push(path.clone());
            }
        }
        written.changed.sort_unstable();
        Ok(written)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the files of `folder` are written; none for the folder itself, which is there already.
    fn place(&self, folder: &Path) -> std::io::Result<Option<PathBuf>> {
        let mut state = self.state();
        if let Some(known) = state.places.get(folder) {
            return Ok(known.clone());
        }
        let missing = folder.ancestors().take_while(|a| !a.as_os_str().is_empty() && !a.exists()).last();
        let place = match missing {
            None => None,
            Some(top) => {
                if !state.folders.contains_key(top) {
                    let parent = top.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
                    let staged = tempfile::Builder::new()
                        .prefix(".specc-")
                        .permissions(permissions(0o755))
                        .tempdir_in(parent)?;
                    state.folders.insert(top.to_path_buf(), staged);
                }
                let staged = state.folders[top].path().join(folder.strip_prefix(top).unwrap_or(Path::new("")));
                std::fs::create_dir_all(&staged)?;
                Some(staged)
            }
        };
        state.places.insert(folder.to_path_buf(), place.clone());
        Ok(place)
    }
}

/// Writes `files` below `root`, all or none where that can be helped.
///
/// # Errors
/// As [`Stage`].
pub fn write(root: &Path, files: &[File]) -> Result<Written, Failure> {
    let stage = Stage::new(root);
    files.iter().try_for_each(|file| stage.add(file.path.clone(), &file.contents))?;
    stage.finish(&[])
}

fn failed(path: &Path, error: std::io::Error) -> Failure {
    Failure::broken(format!("cannot write {}: {error}", path.display()))
}

/// A temporary file in `folder`, closed: thousands may not be open at once.
fn beside(folder: &Path, contents: &str) -> std::io::Result<TempPath> {
    let mut file = tempfile::Builder::new().prefix(".specc-").permissions(permissions(0o644)).tempfile_in(folder)?;
    file.write_all(contents.as_bytes())?;
    Ok(file.into_temp_path())
}

/// Those of an ordinary new file or folder, not the private ones of a temporary one.
fn permissions(mode: u32) -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(mode)
}

fn same(path: &Path, contents: &[u8]) -> bool {
    let right_size = std::fs::metadata(path).is_ok_and(|m| m.len() == contents.len() as u64);
    right_size && std::fs::read(path).is_ok_and(|now| now == contents)
}
