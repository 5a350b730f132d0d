//! Where a deployment keeps what it knows: `.specc/ENVIRONMENT`, which git ignores.

use crate::git::Repository;
use crate::report::Failure;
use specc_catalog::Catalog;
use specc_deploy::{Record, RecordError};
use specc_diag::codes;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The folder of all environments.
const ALL: &str = ".specc";

/// An environment's folder, which no other process uses meanwhile.
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes it where it is not there yet, and waits for nobody.
    ///
    /// # Errors
    /// A disk that takes nothing, and a deployment that is running.
    pub fn open(root: &Path, environment: &str) -> Result<Self, Failure> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if environment.is_empty() || !environment.chars().all(is_plain) {
            return Err(Failure::broken(format!(
                "`{environment}` is no name of an environment that is deployed to: letters, digits, `-` and `_` are"
            )));
        }
        let all = root.join(ALL);
        let path = all.join(environment);
        // What is secret goes where somebody else's link leads.
        for folder in [&all, &path] {
            if folder.is_symlink() {
                return Err(Failure::Refused(
                    None,
                    format!(
                        "{} is a link, and what is secret would be written where it leads: nothing was changed\n  help: put a folder \
                         in its place; `--backups` names another place for large files",
                        folder.display()
                    ),
                ));
            }
        }
        let cannot = |error: std::io::Error| {
            Failure::broken(format!("nothing was changed: cannot write in {}: {error}", path.display()))
        };
        std::fs::create_dir_all(&path).map_err(cannot)?;
        std::fs::set_permissions(&all, std::fs::Permissions::from_mode(0o700)).map_err(cannot)?;
        // Dumps and what is secret lie in it.
        let ignore = all.join(".gitignore");
        if !ignore.exists() {
            std::fs::write(&ignore, "*\n").map_err(cannot)?;
        }
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(path.join("lock")).map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(std::fs::TryLockError::WouldBlock) => Err(Failure::Refused(
                None,
                format!("another deployment to `{environment}` is running on this machine\n  help: wait until it ends"),
            )),
            Err(std::fs::TryLockError::Error(error)) => Err(cannot(error)),
        }
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The last deployment, if there was one.
    ///
    /// # Errors
    /// A record that is not as it was written.
    pub fn record(&self) -> Result<Option<Record>, Failure> {
        read(&self.file("record.json"))
    }

    /// Writes how it stands.
    ///
    /// # Errors
    /// A disk that takes nothing.
    pub fn save(&self, record: &Record) -> Result<(), Failure> {
        self.write("record.json", record.to_json().as_bytes())
    }

    /// Puts the record of a deployment that ended aside.
    ///
    /// # Errors
    /// A disk that takes nothing.
    pub fn put_aside(&self, record: &Record) -> Result<(), Failure> {
        let name: String = record.began.chars().filter(char::is_ascii_digit).collect();
        let names = (0..).map(|n| format!("record-{name}{n:02}.json"));
        let free = names.into_iter().find(|name| !self.file(name).exists()).unwrap_or_default();
        self.write(&free, record.to_json().as_bytes())
    }

    /// The last deployment that did anything to the database, and the file of its record: one after it may only have looked.
    ///
    /// # Errors
    /// A record that is not as it was written.
    pub fn last_change(&self) -> Result<Option<(String, Record)>, Failure> {
        Ok(records(&self.path)?
            .into_iter()
            .find(|(_, record)| !record.plan.is_idle() && record.has_changed_something()))
    }

    /// Keeps the catalog that a deployment finds; it is the deployment's own, whatever others find later.
    ///
    /// # Errors
    /// A disk that takes nothing.
    pub fn keep_before(&self, record: &mut Record, found: &Catalog) -> Result<(), Failure> {
        let sum = super::sum(found);
        self.write(&before(&sum), specc_catalog::to_json(found).as_bytes())?;
        record.catalog = Some(sum);
        Ok(())
    }

    /// The catalog that a deployment found, if it is still known.
    pub fn before(&self, record: &Record) -> Option<Catalog> {
        let sum = record.catalog.as_ref()?;
        let catalog = specc_catalog::from_json(&self.text(&before(sum))?).ok()?;
        (super::sum(&catalog) == *sum).then_some(catalog)
    }

    /// Writes a file, whole or not at all, for its owner alone.
    ///
    /// # Errors
    /// A disk that takes nothing.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        private(&self.file(name), bytes)
    }

    /// Its text, if it is there.
    pub fn text(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.file(name)).ok()
    }

    /// Removes a file, if it is there.
    pub fn remove(&self, name: &str) {
        let _ = std::fs::remove_file(self.file(name));
    }
}

/// The deployment of another environment that says how its database stands: the last one that is not void.
///
/// # Errors
/// A record that is not as it was written.
pub fn record_of(root: &Path, environment: &str) -> Result<Option<Record>, Failure> {
    let all = records(&root.join(ALL).join(environment))?;
    Ok(all.into_iter().map(|(_, record)| record).find(|record| !record.is_void()))
}

/// The file with a catalog that was found.
fn before(sum: &str) -> String {
    format!("before-{}.json", sum.get(..16).unwrap_or(sum))
}

/// All deployments with the files of their records, the last one first.
fn records(folder: &Path) -> Result<Vec<(String, Record)>, Failure> {
    let mut aside: Vec<String> = if folder.is_dir() { crate::project::listed(folder)? } else { Vec::new() }
        .iter()
        .filter_map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
        .filter(|name| name.starts_with("record-") && name.ends_with(".json"))
        .collect();
    aside.push("record.json".to_owned());
    aside.sort_unstable_by_key(|name| (name != "record.json", std::cmp::Reverse(name.clone())));
    let mut found = Vec::new();
    for name in aside {
        found.extend(read(&folder.join(&name))?.map(|record| (name, record)));
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Option<Record>, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::broken(format!("cannot read {}: {error}", path.display()))),
    };
    Record::read(&text).map(Some).map_err(|error| {
        let help = match error {
            RecordError::Version(_) => "a later specc wrote it: use that one",
            _ => {
                "how the deployment stands is not known from it: `specc status` says what the database itself knows; then put the \
                 file aside, and deploy again"
            }
        };
        Failure::Refused(Some(codes::DAMAGED_RECORD), format!("{}: {error}\n  help: {help}", path.display()))
    })
}

/// Writes a file, whole or not at all, that nobody but its owner may ever read.
///
/// # Errors
/// A disk that takes nothing.
pub fn private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| Failure::broken(format!("cannot write {}: {error}", path.display()));
    let folder = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut staged = tempfile::Builder::new().prefix(".specc-").tempfile_in(folder).map_err(cannot)?;
    staged.as_file().set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(cannot)?;
    staged.write_all(bytes).map_err(cannot)?;
    staged.as_file().sync_all().map_err(cannot)?;
    staged.persist(path).map_err(|error| cannot(error.error))?;
    // The name is on the disk when its folder is.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(cannot)
}

/// Makes a file that is not there, and only for its owner.
///
/// # Errors
/// A disk that takes nothing.
pub fn probe(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(".specc-probe");
    let made = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&path);
    let written = made.and_then(|mut file| file.write_all(&[0; 4096]).and_then(|()| file.sync_all()));
    let _ = std::fs::remove_file(&path);
    written
}

/// Whether git would take a file along; none where there is no repository.
pub fn would_be_committed(path: &Path) -> Option<bool> {
    let folder = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let repository = Repository::of(folder).ok()?;
    Some(!repository.ignores(path).unwrap_or(false))
}
