//! What all commands share that talk to a database.

use super::stored::Stored;
use crate::args::{Connection, Format, Where};
use crate::config::Config;
use crate::project;
use crate::report::Failure;
use specc_diag::codes;
use specc_model::Target;
use specc_postgres::{Address, Session};
use specc_runner::{Error, Event, File, Migrations, Production};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A project and the database that a command works on.
pub struct Place {
    pub root: PathBuf,
    pub config: Config,
    pub address: Address,
    /// The environment of specc.toml that was named.
    pub environment: Option<String>,
}

/// Where the database is that the arguments say. An environment is one of the project that `start` lies in.
///
/// # Errors
/// Where they say none, or an environment that there is not, or whose variable is not set or leads somewhere else.
pub fn address(connection: &Connection, start: &Path) -> Result<Address, Failure> {
    let env = |name: &str| std::env::var(name).ok();
    let Some(name) = &connection.env else {
        return Address::resolve(connection.database_url.as_deref(), env).map_err(broken);
    };
    let (_, config) = project::settings(start)?;
    config.environment(name)?.address(name, env)
}

impl Place {
    /// Finds both.
    pub fn open(place: &Where, connection: &Connection) -> Result<Self, Failure> {
        let (root, config) = project::settings(&place.project)?;
        let address = address(connection, &root)?;
        Ok(Self { root, config, address, environment: connection.env.clone() })
    }

    /// Another session.
    pub fn connect(&self) -> Result<Session, specc_postgres::Error> {
        self.address.connect()
    }

    /// Whether the project is for Supabase, whose history is kept in step.
    pub fn is_supabase(&self) -> bool {
        self.config.options().target == Target::Supabase
    }

    /// Why the project says that the database is production, if it does.
    pub fn production(&self) -> Option<Production> {
        let named = self.environment.as_ref().and_then(|name| self.config.named_production(name));
        let found = || self.config.production(&self.address, |name| std::env::var(name).ok());
        named.or_else(found).map(Production)
    }

    /// The project's migrations with their down scripts.
    pub fn migrations(&self) -> Result<Migrations, Failure> {
        let ups = self.files(&self.config.migrations())?;
        let downs = self.files(&self.config.state().join("down"))?;
        let abandons = self.files(&self.config.state().join("abandon"))?;
        Ok(Migrations::new(ups, downs).map_err(failure)?.with_abandons(abandons))
    }

    /// Compares the migrations with what a build wrote: one that is gone is an error, and it is said of one that was edited.
    /// What the database has is the runner's to compare. Returns the down scripts that were edited.
    pub fn recorded(&self, migrations: &Migrations) -> Result<Vec<String>, Failure> {
        let Some(stored) = Stored::read(&self.root, &self.config)? else { return Ok(Vec::new()) };
        let folder = self.config.migrations();
        for (path, sum) in stored.recorded.iter().filter(|(path, _)| Path::new(path).starts_with(&folder)) {
            match migrations.all.iter().find(|migration| migration.up.path == *path) {
                None => {
                    return Err(Failure::Refused(
                        Some(codes::EDITED_MIGRATION),
                        format!("{path} is missing\n  help: later migrations build on it; restore it (git checkout)"),
                    ));
                }
                Some(migration) if migration.checksum != *sum => {
                    crate::report::note(&format!("warning: {path} was edited after `specc build` wrote it"));
                }
                Some(_) => {}
            }
        }
        let sums: BTreeMap<&str, &str> =
            stored.recorded.iter().map(|(path, sum)| (path.as_str(), sum.as_str())).collect();
        let backs = migrations.all.iter().flat_map(|migration| migration.down.iter().chain(&migration.abandon));
        let edited = backs.filter(|file| {
            sums.get(file.path.as_str())
                .is_some_and(|sum| specc_catalog::checksum(file.text.replace("\r\n", "\n")) != **sum)
        });
        Ok(edited.map(|file| file.path.clone()).collect())
    }

    /// The SQL files of a folder, in the order of their names; none if it is not there.
    fn files(&self, folder: &Path) -> Result<Vec<File>, Failure> {
        let paths = project::listed(&self.root.join(folder))?.into_iter();
        let paths = paths.filter(|path| path.extension().is_some_and(|end| end == "sql") && path.is_file());
        let read = |path: PathBuf| {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| Failure::broken(format!("cannot read {}: {error}", path.display())))?;
            let name = path.strip_prefix(&self.root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            Ok(File { path: name, text })
        };
        paths.map(read).collect()
    }

    /// The rows of an environment.
    pub fn seed(&self, environment: &str) -> Result<File, Failure> {
        let folder = self.config.seeds();
        let wanted = folder.join(format!("{environment}.sql"));
        let all = self.files(&folder)?;
        let is = |file: &&File| Path::new(&file.path) == wanted;
        all.iter().find(is).cloned().ok_or_else(|| {
            let found: Vec<_> = all.iter().filter_map(|file| Path::new(&file.path).file_stem()).collect();
            let found = found.iter().map(|name| name.to_string_lossy().into_owned()).collect::<Vec<_>>().join(", ");
            Failure::broken(format!(
                "there is no seed {}; {}",
                wanted.display(),
                if found.is_empty() {
                    "`specc build` writes one for each environment".into()
                } else {
                    format!("there is {found}")
                }
            ))
        })
    }
}

/// Says what happens, on stderr.
pub fn tell(event: Event) {
    let _ = writeln!(std::io::stderr().lock(), "{event}");
}

/// What a run ends with.
pub fn failure(error: Error) -> Failure {
    if error.is_finding() { Failure::Refused(None, error.to_string()) } else { Failure::broken(error.to_string()) }
}

/// What the environment lacks.
pub fn broken(error: specc_postgres::Error) -> Failure {
    Failure::broken(error.to_string())
}

/// A summary as JSON on stdout, or as words on stderr.
pub fn summary(format: Format, json: &impl serde::Serialize, words: &str) {
    match format {
        Format::Json => crate::report::data(&serde_json::to_string(json).unwrap_or_default()),
        Format::Text => eprintln!("{words}"),
    }
}
