//! Migration files in their order.

use crate::script::Script;
use crate::{Error, Refused};
use std::collections::BTreeMap;

/// A file of SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// For messages, relative to the project.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// One migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// What it is sorted by.
    pub stamp: String,
    /// Without stamp and end.
    pub name: String,
    /// What makes it.
    pub up: File,
    /// What takes it back, if there is something.
    pub down: Option<File>,
    /// What takes a change of several files back when this one is done and the next one is not.
    pub abandon: Option<File>,
    /// The SHA-256 of `up`.
    pub checksum: String,
}

impl Migration {
    /// The statements of `up`.
    ///
    /// # Errors
    /// A file that cannot be taken apart.
    pub fn script(&self) -> Result<Script, Error> {
        script(&self.up)
    }

    /// The name of the file without its end.
    pub fn title(&self) -> String {
        format!("{}_{}", self.stamp, self.name)
    }
}

/// The statements of a file.
pub(crate) fn script(file: &File) -> Result<Script, Error> {
    Script::read(&file.text).map_err(|error| Refused::new(format!("{} cannot be run: {error}", file.path)).into())
}

/// A folder's migrations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Migrations {
    /// In the order of their stamps.
    pub all: Vec<Migration>,
    /// Files that are no migrations, by their names.
    pub ignored: Vec<String>,
}

impl Migrations {
    /// Pairs the files of the migrations' folder with those of the down scripts'.
    ///
    /// # Errors
    /// Two files with one stamp.
    pub fn new(ups: Vec<File>, downs: Vec<File>) -> Result<Self, Error> {
        let mut downs: BTreeMap<String, File> = downs
            .into_iter()
            .filter_map(|file| Some((base(&file.path).strip_suffix(".down.sql")?.to_owned(), file)))
            .collect();
        let mut found = Self::default();
        let mut by_stamp: BTreeMap<String, Migration> = BTreeMap::new();
        for up in ups {
            let Some((stamp, name)) = parts(&up.path) else {
                found.ignored.push(up.path);
                continue;
            };
            let (stamp, name) = (stamp.to_owned(), name.to_owned());
            let down = downs.remove(&format!("{stamp}_{name}"));
            let checksum = specc_catalog::checksum(&up.text);
            let migration = Migration { stamp: stamp.clone(), name, up, down, abandon: None, checksum };
            if let Some(other) = by_stamp.get(&stamp) {
                return Err(Refused::new(format!(
                    "{} and {} have the same stamp, so which runs first is not known",
                    other.up.path, migration.up.path
                ))
                .help("give one of them another stamp")
                .into());
            }
            by_stamp.insert(stamp, migration);
        }
        found.all = by_stamp.into_values().collect();
        Ok(found)
    }

    /// With the scripts that lead back from the middle of a change.
    #[must_use]
    pub fn with_abandons(mut self, files: Vec<File>) -> Self {
        let mut files: BTreeMap<String, File> = files
            .into_iter()
            .filter_map(|file| Some((base(&file.path).strip_suffix(".abandon.sql")?.to_owned(), file)))
            .collect();
        for migration in &mut self.all {
            migration.abandon = files.remove(&migration.title());
        }
        self
    }

    pub(crate) fn find(&self, stamp: &str) -> Option<&Migration> {
        self.all.iter().find(|migration| migration.stamp == stamp)
    }
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Stamp and name of `20260101000000_name.sql`.
fn parts(path: &str) -> Option<(&str, &str)> {
    let (stamp, name) = base(path).strip_suffix(".sql")?.split_once('_')?;
    let digits = !stamp.is_empty() && stamp.bytes().all(|b| b.is_ascii_digit());
    (digits && !name.is_empty()).then_some((stamp, name))
}
