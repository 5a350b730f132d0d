//! What the last build left: the catalog after the last migration, and the checksums of all that it wrote as history.

use crate::config::Config;
use crate::output::{self, folders_of};
use crate::project;
use crate::report::Failure;
use specc_catalog::{Catalog, MARK};
use specc_diag::codes;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The stored catalog's text: it is as large as the spec, so who needs only a part of it reads only that.
pub struct Stored {
    text: String,
    path: PathBuf,
    /// Path and SHA-256 of each file that was written as history.
    pub recorded: Vec<(String, String)>,
}

impl Stored {
    /// None before the first build.
    ///
    /// # Errors
    /// State that is not what the last build left, or that is missing beside migrations that a build wrote.
    pub fn read(out: &Path, config: &Config) -> Result<Option<Self>, Failure> {
        output::settle(out, config)?;
        let own = out.join(config.state());
        let (path, sums) = (own.join("catalog.json"), own.join("checksums.toml"));
        let stored = Self::of((path.clone(), text(&path)?), (sums.clone(), text(&sums)?))?;
        if stored.is_none()
            && let Some(file) = output::marked_in(&out.join(config.migrations()))?.into_iter().min()
        {
            let why = format!("is missing, and {} is there, which a build wrote", file.display());
            return Err(damaged(&path, &why));
        }
        Ok(stored)
    }

    /// From the texts of both files, wherever they stand; none where neither is there.
    ///
    /// # Errors
    /// Where they are not what a build left.
    pub fn of(
        (path, text): (PathBuf, Option<String>),
        (sums, list): (PathBuf, Option<String>),
    ) -> Result<Option<Self>, Failure> {
        let (text, list) = match (text, list) {
            (None, None) => return Ok(None),
            (None, Some(_)) => return Err(damaged(&path, "is missing")),
            (Some(_), None) => return Err(damaged(&sums, "is missing")),
            (Some(text), Some(list)) => (text, list),
        };
        if let Some((path, _)) = [(&path, &text), (&sums, &list)].into_iter().find(|(_, text)| is_conflict(text)) {
            return Err(Failure::Refused(Some(codes::MERGE_CONFLICT), conflict(path)));
        }
        let recorded = checksums(&list).map_err(|error| damaged(&sums, &format!("cannot be read ({error})")))?;
        let said = recorded.iter().find(|(path, _)| Path::new(path).file_name() == Some("catalog.json".as_ref()));
        // Before it had its checksum in itself, it had a line in the list.
        let listed = || said.is_some_and(|(_, sum)| *sum == specc_catalog::checksum(&text));
        match specc_catalog::is_whole(&text).unwrap_or_else(listed) {
            true if recorded.is_empty() && specc_catalog::has_objects(&text) => {
                Err(damaged(&sums, "names no migration, and there are objects in the stored catalog"))
            }
            true => Ok(Some(Self { text, path, recorded })),
            false => Err(damaged(&path, "is not as the last build left it")),
        }
    }

    /// All of it.
    pub fn catalog(&self) -> Result<Catalog, Failure> {
        specc_catalog::from_json(&self.text).map_err(|error| damaged(&self.path, &format!("cannot be read ({error})")))
    }

    /// What is left of it and of `catalog` without what is written alike in both.
    pub fn apart(&self, catalog: &Catalog) -> Option<(Catalog, Catalog)> {
        specc_catalog::apart(&self.text, catalog)
    }
}

/// The list of generated files that are created again by each build, so that those nothing generates any more are removed.
pub const GENERATED: &str = "generated.txt";

/// Paths of seeds and docs that the last build wrote, and the folders that it wrote them to.
///
/// # Errors
/// Where the list cannot be read.
pub fn generated(out: &Path, config: &Config) -> Result<(Vec<String>, Vec<PathBuf>), Failure> {
    let list = text(&out.join(config.state()).join(GENERATED))?.unwrap_or_default();
    Ok((paths(&list), folders_of(&list)))
}

fn paths(list: &str) -> Vec<String> {
    list.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

/// What earlier builds left in the output folder.
pub struct State {
    /// The catalog after the last migration.
    pub catalog: Option<Catalog>,
    /// Path and SHA-256 of each migration file.
    pub recorded: Vec<(String, String)>,
    /// Paths of seeds and docs.
    pub generated: Vec<String>,
    /// The folders that they were written to.
    pub folders: Vec<PathBuf>,
    /// What is known to be specc's own without a mark.
    pub own: Vec<String>,
}

impl State {
    /// Reads it.
    pub fn read(out: &Path, config: &Config) -> Result<Self, Failure> {
        let stored = Stored::read(out, config)?;
        let catalog = stored.as_ref().map(Stored::catalog).transpose()?;
        let recorded = stored.map(|stored| stored.recorded).unwrap_or_default();
        let folder = config.state();
        let list = text(&out.join(&folder).join(GENERATED))?.unwrap_or_default();
        let (generated, folders) = (paths(&list), folders_of(&list));
        // The checksums have shown whose they are; pages that an earlier version listed have no mark.
        let file = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let mut own = if recorded.is_empty() { Vec::new() } else { vec![file("checksums.toml")] };
        if !list.contains(MARK) {
            own.push(file(GENERATED));
            own.extend(generated.iter().cloned());
        }
        let state = Self { catalog, recorded, generated, folders, own };
        state.check(out, config)?;
        Ok(state)
    }

    /// A migration is known by its stamp, so two with the same are one too many.
    fn stamps(&self, folder: &Path) -> Result<(), Failure> {
        let mut names = BTreeMap::new();
        for (path, _) in self.recorded.iter().filter(|(path, _)| Path::new(path).parent() == Some(folder)) {
            let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
            if let Some(other) = name.get(..14).and_then(|stamp| names.insert(stamp.to_owned(), path)) {
                let text = format!(
                    "{other} and {path} have one stamp, by which a migration is known\n  help: `specc rebase --onto BRANCH` \
                     plans the migrations that BRANCH does not have anew, with later stamps"
                );
                return Err(Failure::Refused(Some(codes::SAME_STAMP), text));
            }
        }
        Ok(())
    }

    /// Migrations are history: one that was edited or lost after it was written is an error, since what was reviewed and
    /// perhaps applied is not what lies there now.
    fn check(&self, out: &Path, config: &Config) -> Result<(), Failure> {
        let own = |name: &str| config.state().join(name);
        let folders = [config.migrations(), own("down"), own("abandon"), own("plans")];
        let is_elsewhere = |path: &str| {
            path.ends_with(".sql") && !folders.iter().any(|folder| Path::new(path).parent() == Some(folder.as_path()))
        };
        if let Some((path, _)) = self.recorded.iter().find(|(path, _)| is_elsewhere(path)) {
            return Err(damaged(
                &out.join(path),
                "is in another folder than specc.toml says now; move the files and their lines in checksums.toml, or take the setting back",
            ));
        }
        let listed: BTreeSet<PathBuf> = self.recorded.iter().map(|(path, _)| out.join(path)).collect();
        for folder in folders.iter().take(3).map(|folder| out.join(folder)) {
            if let Some(path) = output::marked_in(&folder)?.into_iter().find(|path| !listed.contains(path)) {
                return Err(damaged(&path, "was written by a build that checksums.toml does not know"));
            }
        }
        let read = |(path, _): &&(String, String)| !path.ends_with("/catalog.json");
        self.stamps(&config.migrations())?;
        for (path, sum) in self.recorded.iter().filter(read) {
            let why = match text(&out.join(path))? {
                None => "is missing",
                Some(text) if specc_catalog::checksum(&text) != *sum => "was edited after it was written",
                Some(_) => continue,
            };
            return Err(Failure::Refused(
                Some(codes::EDITED_MIGRATION),
                format!(
                    "{path} {why}; restore it (git checkout), or remove all migrations and specc's own folder to start again"
                ),
            ));
        }
        Ok(())
    }
}

/// How git marks where two sides begin to differ.
pub const CONFLICT: &str = "<<<<<<< ";

/// Whether a merge left both sides in a text.
fn is_conflict(text: &str) -> bool {
    text.lines().any(|line| line.starts_with(CONFLICT))
}

fn conflict(path: &Path) -> String {
    format!(
        "{} holds both sides of a merge\n  help: merge the .dbspec files, then run `specc rebase`: it plans this branch's \
         migrations anew on top of the other's",
        path.display()
    )
}

/// State that no build left like this.
pub fn damaged(path: &Path, why: &str) -> Failure {
    let text = format!(
        "{} {why}\n  help: bring specc's folder back as the last build left it (`git checkout`); after a merge, run \
         `specc rebase`; to start a history anew, remove it and the migrations",
        path.display()
    );
    Failure::Refused(Some(codes::DAMAGED_STATE), text)
}

/// Path and SHA-256 of each file that was written.
pub fn checksums(text: &str) -> Result<Vec<(String, String)>, String> {
    #[derive(serde::Deserialize)]
    struct Checksums {
        files: BTreeMap<String, String>,
    }
    let parsed: Checksums = toml::from_str(text).map_err(|error| error.message().to_string())?;
    Ok(parsed.files.into_iter().collect())
}

/// The text of a file, if there is one.
fn text(path: &Path) -> Result<Option<String>, Failure> {
    match project::text(path) {
        // Version control may have exchanged the line ends.
        Ok(text) => Ok(Some(if text.contains("\r\n") { text.replace("\r\n", "\n") } else { text })),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::broken(format!("cannot read {}: {error}", path.display()))),
    }
}
