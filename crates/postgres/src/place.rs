//! Where a cluster can be made on this machine, and as whom.

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::binaries::{self, Install};
use crate::cluster::TMP_VARIABLE;
use crate::error::Error;
use crate::files::{self, User};

/// The path of a socket has about a hundred bytes; the folder and the file need some of them.
const LONGEST_FOLDER: usize = 60;

/// Where a cluster can be made here, and by whom.
pub(crate) struct Place {
    pub(crate) tmp: PathBuf,
    pub(crate) cache: PathBuf,
    pub(crate) install: Install,
    /// Whom to run the server as, where not as ourselves.
    pub(crate) user: Option<User>,
    /// Ourselves, where the server runs as somebody else.
    pub(crate) own: Option<User>,
}

impl Place {
    pub(crate) fn find(install: &Install) -> Result<Self, Error> {
        let own = ourselves()?;
        let root = own.uid == 0;
        let user = if root { Some(User::unprivileged()?) } else { None };
        let fits = |dir: &PathBuf| {
            dir.is_dir() && dir.as_os_str().len() <= LONGEST_FOLDER && (!root || files::open_to_all(dir))
        };
        let disk = env::var_os(TMP_VARIABLE)
            .map(PathBuf::from)
            .into_iter()
            .chain([env::temp_dir(), PathBuf::from("/tmp")])
            .find(fits)
            .ok_or(Error::NoFolder)?;
        // A cluster is thousands of small files: memory takes them several times as fast.
        let tmp = match env::var_os(TMP_VARIABLE) {
            None => Some(PathBuf::from("/dev/shm")).filter(|dir| fits(dir) && files::is_roomy(dir)),
            Some(_) => None,
        }
        .unwrap_or_else(|| disk.clone());
        // Beside the private copies if they are there, for they go together.
        let cache = binaries::private_dirs()
            .into_iter()
            .map(|dir| dir.join("data"))
            .chain([disk.join(format!("specc-postgres-{}", own.uid))])
            .find_map(|dir| files::own_folder(dir, own.uid))
            .ok_or(Error::NoFolder)?;
        let install = if root && !files::open_to_all(install.bin()) {
            reachable_copy(install, &disk, own)?
        } else {
            install.clone()
        };
        Ok(Self { tmp, cache, install, user, own: root.then_some(own) })
    }
}

/// Programs in a folder that the server's user cannot enter are of no use to it: copies them.
fn reachable_copy(install: &Install, disk: &Path, own: User) -> Result<Install, Error> {
    let folder = files::own_folder(disk.join(format!("specc-postgres-{}", own.uid)), own.uid).ok_or(Error::NoFolder)?;
    let mut hash = DefaultHasher::new();
    identity(install).hash(&mut hash);
    let to = folder.join(format!("programs-{}-{:016x}", install.major(), hash.finish()));
    files::make_once(&to, |to| files::copy_tree(install.root(), to, Some(own)))?;
    Ok(install.moved_to(&to))
}

fn ourselves() -> Result<User, Error> {
    // A new file belongs to who made it.
    let tmp = env::temp_dir();
    let file = tempfile::NamedTempFile::new_in(&tmp).map_err(Error::io("create a file in", &tmp))?;
    let meta = file.as_file().metadata().map_err(Error::io("read", file.path()))?;
    Ok(User { uid: meta.uid(), gid: meta.gid() })
}

/// What tells this install from any other.
pub(crate) fn identity(install: &Install) -> impl Hash {
    let meta = fs::metadata(install.program("postgres"));
    let stamp = fs::read_to_string(install.root().join(".stamp")).ok();
    (
        install.root().to_path_buf(),
        install.version().to_owned(),
        stamp,
        meta.as_ref().map(MetadataExt::mtime).ok(),
        meta.as_ref().map(MetadataExt::size).ok(),
    )
}
