//! Folders that the server's user can enter, and copies of them.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;

/// A user and its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl User {
    /// Whom to run the server as when this process is root.
    pub(crate) fn unprivileged() -> Result<Self, Error> {
        let passwd = fs::read_to_string("/etc/passwd").map_err(Error::io("read", "/etc/passwd"))?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| {
                let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
                let mut ids = line.split(':').skip(2).map(str::parse);
                Some(Self { uid: ids.next()?.ok()?, gid: ids.next()?.ok()? })
            })
            .ok_or(Error::NoUser)
    }
}

/// Whether a user that owns nothing on the way can enter this folder.
pub(crate) fn open_to_all(dir: &Path) -> bool {
    dir.ancestors().all(|dir| fs::metadata(dir).is_ok_and(|meta| meta.mode() & 0o001 != 0))
}

/// Whether this folder is in memory, with several gigabytes to spare.
pub(crate) fn is_roomy(dir: &Path) -> bool {
    const ENOUGH: u64 = 6 << 20; // KiB
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let free = fs::read_to_string("/proc/meminfo").is_ok_and(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
        number(line.and_then(|line| line.split_whitespace().next())) >= ENOUGH
    });
    free && Command::new("df").arg("-Pk").arg(dir).output().is_ok_and(|output| {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut fields = text.lines().nth(1).unwrap_or_default().split_whitespace();
        fields.next() == Some("tmpfs") && number(fields.nth(2)) >= ENOUGH
    })
}

/// Copies a folder with what is in it, giving everything to a user where one is told.
pub(crate) fn copy_tree(from: &Path, to: &Path, owner: Option<User>) -> Result<(), Error> {
    let meta = fs::metadata(from).map_err(Error::io("read", from))?;
    fs::DirBuilder::new().mode(0o700).create(to).map_err(Error::io("create", to))?;
    for entry in fs::read_dir(from).map_err(Error::io("read", from))? {
        let entry = entry.map_err(Error::io("read", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(Error::io("read", &source))?;
        if kind.is_dir() {
            copy_tree(&source, &target, owner)?;
        } else if kind.is_symlink() {
            let link = fs::read_link(&source).map_err(Error::io("read", &source))?;
            symlink(link, &target).map_err(Error::io("create", &target))?;
        } else {
            fs::copy(&source, &target).map_err(Error::io("copy", &source))?;
            give(&target, owner)?;
        }
    }
    fs::set_permissions(to, fs::Permissions::from_mode(meta.mode() & 0o7777)).map_err(Error::io("change", to))?;
    give(to, owner)
}

/// Gives a file to a user, where one is told.
pub(crate) fn give(path: &Path, owner: Option<User>) -> Result<(), Error> {
    match owner {
        Some(User { uid, gid }) => chown(path, Some(uid), Some(gid)).map_err(Error::io("change the owner of", path)),
        None => Ok(()),
    }
}

/// Makes a folder in one step: filled under another name first, then renamed. A folder that
/// another process made in the meantime is as good.
pub(crate) fn make_once(dir: &Path, fill: impl FnOnce(&Path) -> Result<(), Error>) -> Result<(), Error> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().unwrap_or(Path::new("/"));
    let work =
        tempfile::Builder::new().prefix(".new-").tempdir_in(parent).map_err(Error::io("create a folder in", parent))?;
    let filled = work.path().join("filled");
    fill(&filled)?;
    match fs::rename(&filled, dir) {
        Err(_) if dir.is_dir() => Ok(()),
        result => result.map_err(Error::io("create", dir)),
    }
}

/// A folder of this user that others may enter and not change.
pub(crate) fn own_folder(dir: PathBuf, uid: u32) -> Option<PathBuf> {
    let _ = fs::DirBuilder::new().mode(0o755).create(&dir);
    let meta = fs::symlink_metadata(&dir).ok()?;
    let ours = meta.is_dir() && meta.uid() == uid && meta.mode() & 0o022 == 0;
    ours.then_some(dir)
}
