//! The one moment at which a build has happened. Files are staged in [`NEW`]; renaming that folder to [`COMMITTED`] is the
//! commit, and moving its files into place can be taken up again by whoever comes next.

use super::failed;
use super::own::{self, Own};
use crate::project;
use crate::report::Failure;
use rayon::prelude::*;
use specc_diag::codes;
use std::path::{Path, PathBuf};

/// Where files are staged. What is found there was never committed.
pub const NEW: &str = ".specc-new";
/// What was committed and is not in place yet.
pub const COMMITTED: &str = ".specc-commit";
/// The folder of the staged files, as they lie below the output folder.
pub const FILES: &str = "files";
/// The list of files to remove.
pub const REMOVED: &str = "removed";

/// Removes what a build staged and did not commit.
///
/// # Errors
/// Where something is there that no build stages, and where it cannot be removed.
pub fn discard(root: &Path, own: &Own) -> Result<(), Failure> {
    let new = root.join(NEW);
    if !is_there(&new)? {
        return Ok(());
    }
    for from in project::listed(&new)? {
        match from.file_name().and_then(|name| name.to_str()) {
            Some(FILES) if from.is_dir() => check(&new, own, &from, Path::new(""))?,
            Some(REMOVED) if from.is_file() => {}
            _ => return Err(odd(&new, Path::new(from.file_name().unwrap_or_default()))),
        }
    }
    std::fs::remove_dir_all(&new).map_err(|error| failed(&new, error))
}

/// Moves what is committed into place, removes what it says, and gives what was removed.
///
/// # Errors
/// Where something cannot be moved, and where what is committed is nothing that a build writes.
pub fn settle(root: &Path, own: &Own) -> Result<Vec<PathBuf>, Failure> {
    let committed = root.join(COMMITTED);
    if !is_there(&committed)? {
        return Ok(Vec::new());
    }
    let mut moves = Moves { root, own, list: Vec::new() };
    moves.collect(&committed.join(FILES), Path::new(""))?;
    moves.list.into_par_iter().try_for_each(|(from, to)| move_one(&from, &to))?;
    let list = std::fs::read_to_string(committed.join(REMOVED)).unwrap_or_default();
    let mut removed = Vec::new();
    // Who recovers does not know yet where the last build wrote.
    let mut own = own.clone();
    own.wrote_in(&own::folders_of(&list));
    for path in list.lines().map(PathBuf::from).filter(|path| own.may_remove(path)) {
        let target = root.join(&path);
        let parent = target.parent().unwrap_or(root);
        if own::is_marked(&target) && own::plain_folder(root, parent).is_ok() {
            std::fs::remove_file(&target).map_err(|error| failed(&target, error))?;
            // Folders that are empty now go, too; one with something in it stays.
            let around = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
            around.take_while(|folder| std::fs::remove_dir(root.join(folder)).is_ok()).for_each(drop);
            removed.push(path);
        }
    }
    std::fs::remove_dir_all(&committed).map_err(|error| failed(&committed, error))?;
    Ok(removed)
}

/// Whether there is such a folder, which a link is not.
fn is_there(folder: &Path) -> Result<bool, Failure> {
    match folder.symlink_metadata() {
        Ok(found) if found.is_dir() => Ok(true),
        Ok(_) => Err(odd(folder, Path::new(""))),
        Err(_) => Ok(false),
    }
}

struct Moves<'a> {
    root: &'a Path,
    own: &'a Own,
    list: Vec<(PathBuf, PathBuf)>,
}

impl Moves<'_> {
    /// What has to be moved: whole folders where there is none of that name yet, else files.
    fn collect(&mut self, from: &Path, path: &Path) -> Result<(), Failure> {
        for from in project::listed(from)? {
            let path = path.join(from.file_name().unwrap_or_default());
            let to = self.root.join(&path);
            let kind = from.symlink_metadata().map_err(|error| failed(&from, error))?.file_type();
            if kind.is_dir() {
                own::plain_folder(self.root, &to)?;
                if to.exists() {
                    self.collect(&from, &path)?;
                } else {
                    check(&self.root.join(COMMITTED), self.own, &from, &path)?;
                    self.list.push((from, to));
                }
            } else if kind.is_file()
                && self.own.is_place(&path)
                && (!to.exists() || self.own.may_replace(self.root, &path))
            {
                self.list.push((from, to));
            } else {
                return Err(odd(&self.root.join(COMMITTED), &Path::new(FILES).join(path)));
            }
        }
        Ok(())
    }
}

/// Whether a folder below `staged` has only files that a build writes.
fn check(staged: &Path, own: &Own, from: &Path, path: &Path) -> Result<(), Failure> {
    for entry in walkdir::WalkDir::new(from).min_depth(1) {
        let entry = entry.map_err(|error| Failure::broken(format!("cannot read {}: {error}", from.display())))?;
        let path = path.join(entry.path().strip_prefix(from).unwrap_or(entry.path()));
        let kind = entry.file_type();
        if !(kind.is_dir() || kind.is_file() && own.is_place(&path)) {
            return Err(odd(staged, &Path::new(FILES).join(path)));
        }
    }
    Ok(())
}

fn move_one(from: &Path, to: &Path) -> Result<(), Failure> {
    let across = |error: std::io::Error| {
        if error.kind() != std::io::ErrorKind::CrossesDevices || !from.is_file() {
            return Err(error);
        }
        // A folder of its own file system: the copy takes its place at once, too.
        let beside = to.with_extension("specc-new");
        std::fs::copy(from, &beside)?;
        std::fs::rename(beside, to)
    };
    std::fs::rename(from, to).or_else(across).map_err(|error| failed(to, error))
}

fn odd(folder: &Path, path: &Path) -> Failure {
    let text = format!(
        "{} holds what no build wrote: {}\n  help: remove {}",
        folder.display(),
        folder.join(path).display(),
        folder.display()
    );
    Failure::Refused(Some(codes::FOREIGN_FILE), text)
}
