//! One specc at a time writes into a folder.

use super::failed;
use crate::report::Failure;
use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The name of the lock file. The system frees the lock when its holder ends, killed or not; the file says who holds it.
const LOCK: &str = ".specc-lock";

/// A lock that is held until it is dropped.
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes it.
    ///
    /// # Errors
    /// Who holds it, or why it cannot be made.
    pub fn take(root: &Path) -> Result<Self, Failure> {
        let path = root.join(LOCK);
        if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
            return Err(Failure::broken(format!("{} is not an ordinary file; remove it", path.display())));
        }
        loop {
            let mut options = File::options();
            let file = options.read(true).write(true).create(true).truncate(false).open(&path);
            let mut file = file.map_err(|error| failed(&path, error))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    // Who it is, is only shown.
                    let _ = file.read_to_string(&mut holder);
                    let holder: String = holder.trim().chars().filter(char::is_ascii_digit).take(20).collect();
                    let who = if holder.is_empty() { String::new() } else { format!(" (process {holder})") };
                    let root = root.display();
                    return Err(Failure::broken(format!(
                        "another specc{who} is writing to {root}\n  help: run this again when it has ended"
                    )));
                }
                Err(TryLockError::Error(error)) => return Err(failed(&path, error)),
            }
            // The last holder may have removed the file after it was opened here.
            let same = |there: std::fs::Metadata| file.metadata().is_ok_and(|own| own.ino() == there.ino());
            if path.metadata().is_ok_and(same) {
                let id = std::process::id();
                let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{id}"));
                written.map_err(|error| failed(&path, error))?;
                return Ok(Self { file, path });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // What stays of either is harmless: the next holder takes the file over.
        let _ = std::fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}
