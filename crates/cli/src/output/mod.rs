//! Writing files so that nobody ever sees half of one, or some of them without the rest; and only files of specc's own.

mod commit;
mod lock;
mod own;
mod sort;

use crate::config::Config;
use crate::memory;
use crate::report::Failure;
use lock::Lock;
pub use own::{FOLDER, Own, folders_of, is_plain, marked_in};
use rustc_hash::FxHashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A text of so many bytes is given back to the system as soon as it is written.
const LARGE: usize = 1 << 20;

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

/// An output folder into which no other specc writes meanwhile. What a killed build left there is put right first.
pub struct Folder {
    root: PathBuf,
    own: Own,
    /// Folders that were made for it, outermost first: they go again if nothing is written.
    made: Vec<PathBuf>,
    lock: Option<Lock>,
}

impl Folder {
    /// Takes it, and makes it if it is not there.
    ///
    /// # Errors
    /// Where another specc has it, or it cannot be made.
    pub fn take(root: &Path, own: Own) -> Result<Self, Failure> {
        let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        let missing = root.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists());
        let mut made: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
        made.reverse();
        std::fs::create_dir_all(root).map_err(|error| failed(root, error))?;
        let mut folder = Self { root: root.to_path_buf(), own, made, lock: None };
        folder.lock = Some(Lock::take(root)?);
        commit::discard(root, &folder.own)?;
        commit::settle(root, &folder.own)?;
        Ok(folder)
    }

    /// The folders that the last build wrote to.
    pub fn wrote_in(&mut self, folders: &[PathBuf]) {
        self.own.wrote_in(folders);
    }

    /// What the last build listed as its own.
    pub fn list(&mut self, paths: &[String]) {
        self.own.list(paths);
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.lock = None;
        for folder in self.made.iter().rev() {
            // One with something in it stays.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Puts right what a killed build left, before its files are read.
///
/// # Errors
/// As [`Folder::take`].
pub fn settle(root: &Path, config: &Config) -> Result<(), Failure> {
    if root.join(commit::COMMITTED).symlink_metadata().is_ok() {
        Folder::take(root, Own::of(config))?;
    }
    Ok(())
}

/// Files on their way to their places in a folder. Each is first written aside; [`Stage::finish`] commits all of them at
/// once. Without that nothing has changed.
pub struct Stage<'f> {
    folder: &'f Folder,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whether the folder of a file is there already.
    known: FxHashMap<PathBuf, bool>,
    /// What is there and is not specc's.
    foreign: Vec<PathBuf>,
    written: Written,
}

impl<'f> Stage<'f> {
    /// Nothing yet.
    pub fn new(folder: &'f Folder) -> Self {
        Self { folder, state: Mutex::default() }
    }

    /// Adds a file; one that has the right contents already is left alone. May be called from several threads.
    ///
    /// # Errors
    /// Where something cannot be written.
    pub fn add(&self, path: PathBuf, contents: impl Into<String>) -> Result<(), Failure> {
        let contents = contents.into();
        let is_large = contents.len() > LARGE;
        self.write(path, &contents)?;
        if is_large {
            drop(contents);
            memory::give_back_own();
        }
        Ok(())
    }

    fn write(&self, path: PathBuf, contents: &str) -> Result<(), Failure> {
        let root = &self.folder.root;
        if !self.folder.own.is_place(&path) {
            return Err(Failure::broken(format!("{} is no place for a file that specc writes", path.display())));
        }
        let is_there = self.prepare(path.parent().unwrap_or(Path::new("")))?;
        let target = root.join(&path);
        if is_there && target.symlink_metadata().is_ok() {
            if same(&target, contents.as_bytes()) {
                self.state().written.unchanged += 1;
                return Ok(());
            }
            if !self.folder.own.may_replace(root, &path) {
                self.state().foreign.push(path);
                return Ok(());
            }
        }
        let staged = self.new_folder().join(commit::FILES).join(&path);
        std::fs::write(staged, contents).map_err(|error| failed(&target, error))?;
        self.state().written.changed.push(path);
        Ok(())
    }

    /// Commits everything, with the removal of those of the `stale` files that specc wrote.
    ///
    /// # Errors
    /// Files that are there and are not specc's; where something cannot be moved or removed.
    pub fn finish(self, stale: &[PathBuf]) -> Result<Written, Failure> {
        let mut state = std::mem::take(&mut *self.state());
        let Folder { root, own, .. } = self.folder;
        state.foreign.sort_unstable();
        if !state.foreign.is_empty() {
            return Err(own::foreign(root, &state.foreign));
        }
        let mut written = state.written;
        let is_stale = |path: &&PathBuf| own.may_remove(path) && root.join(path).is_file();
        let mut stale: String = stale.iter().filter(is_stale).map(|path| format!("{}\n", path.display())).collect();
        if !stale.is_empty() {
            stale.insert_str(0, &own.earlier());
        }
        if !written.changed.is_empty() || !stale.is_empty() {
            let new = self.new_folder();
            let list = new.join(commit::REMOVED);
            let committed = root.join(commit::COMMITTED);
            std::fs::create_dir_all(&new)
                .and_then(|()| std::fs::write(list, stale))
                .and_then(|()| std::fs::rename(&new, &committed))
                .map_err(|error| failed(&committed, error))?;
            written.removed = commit::settle(root, own)?;
        }
        written.changed.sort_unstable();
        Ok(written)
    }

    fn new_folder(&self) -> PathBuf {
        self.folder.root.join(commit::NEW)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the place where the files of a folder are staged. Gives whether the folder itself is there.
    fn prepare(&self, path: &Path) -> Result<bool, Failure> {
        let mut state = self.state();
        if let Some(known) = state.known.get(path) {
            return Ok(*known);
        }
        let folder = self.folder.root.join(path);
        own::plain_folder(&self.folder.root, &folder)?;
        let staged = self.new_folder().join(commit::FILES).join(path);
        std::fs::create_dir_all(&staged).map_err(|error| failed(&folder, error))?;
        let is_there = folder.exists();
        state.known.insert(path.to_path_buf(), is_there);
        Ok(is_there)
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        // What stays is removed by the next build.
        let _ = remove_all(&self.new_folder());
    }
}

/// Writes the files of a new project below `root`, all or none.
///
/// # Errors
/// As [`Stage`].
pub fn write(root: &Path, files: impl IntoIterator<Item = File>) -> Result<(), Failure> {
    let folder = Folder::take(root, Own::default())?;
    let stage = Stage::new(&folder);
    files.into_iter().try_for_each(|file| stage.add(file.path, file.contents))?;
    stage.finish(&[]).map(drop)
}

/// Writes one file of specc's own at once.
///
/// # Errors
/// As [`Stage`]: where another file is there, too, of the author's or of specc's.
pub fn write_one(path: &Path, contents: &str) -> Result<(), Failure> {
    let name =
        path.file_name().map(Path::new).ok_or_else(|| Failure::broken(format!("{} is no file", path.display())))?;
    let folder = Folder::take(path.parent().unwrap_or(Path::new("")), Own::one(name))?;
    own::same_sort(path, contents)?;
    let stage = Stage::new(&folder);
    stage.add(name.to_path_buf(), contents)?;
    stage.finish(&[]).map(drop)
}

/// Replaces the contents of one file of the author's at once.
///
/// # Errors
/// Where it cannot be written, or another specc writes into its folder.
pub fn replace(path: &Path, contents: &str) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _lock = Lock::take(folder)?;
    let mut beside = path.as_os_str().to_owned();
    // Always the same name: what a killed run left there, the next one overwrites.
    beside.push(".specc-new");
    let moved = remove_all(Path::new(&beside))
        .and_then(|()| std::fs::File::create_new(&beside))
        .and_then(|mut file| file.write_all(contents.as_bytes()))
        .and_then(|()| std::fs::rename(&beside, path));
    moved.map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        failed(path, error)
    })
}

/// Removes a folder with all that is in it, if it is there. A link is removed, not followed.
fn remove_all(path: &Path) -> std::io::Result<()> {
    let removed = match path.symlink_metadata() {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    removed.or_else(|error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn failed(path: &Path, error: std::io::Error) -> Failure {
    Failure::broken(format!("cannot write {}: {error}", path.display()))
}

fn same(path: &Path, contents: &[u8]) -> bool {
    let plain = path.symlink_metadata().is_ok_and(|m| m.is_file() && m.len() == contents.len() as u64);
    plain && std::fs::read(path).is_ok_and(|now| now == contents)
}
