//! The database that is deployed to.

use super::folder::Folder;
use crate::commands::database::Place;
use crate::config::{Config, Environment};
use crate::report::Failure;
use specc_deploy::Record;
use specc_postgres::Address;
use std::path::Path;

/// The file with what a project was made with, until the environment's own file has it.
pub const SECRETS: &str = "secrets.json";

/// What only its owner may know of a project that was made.
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Secrets {
    /// The password of its database.
    pub password: String,
    /// The URL of its database.
    #[serde(default)]
    pub url: Option<String>,
    /// The key for browsers.
    #[serde(default)]
    pub public: Option<String>,
    /// The key for servers.
    #[serde(default)]
    pub service: Option<String>,
}

impl Secrets {
    /// Reads them, if they are there.
    pub fn read(folder: &Folder) -> Option<Self> {
        serde_json::from_str(&folder.text(SECRETS)?).ok()
    }

    /// Keeps them, for their owner alone.
    ///
    /// # Errors
    /// A disk that takes nothing.
    pub fn keep(&self, folder: &Folder) -> Result<(), Failure> {
        folder.write(SECRETS, serde_json::to_string(self).unwrap_or_default().as_bytes())
    }
}

/// A database that can be reached.
pub struct Target {
    place: Place,
    /// Its URL, for the environment's file.
    pub url: String,
}

impl Target {
    /// The database of an environment: by its variable, or the one that a deployment made.
    ///
    /// # Errors
    /// Where neither leads to one.
    pub fn of(
        root: &Path,
        config: &Config,
        (name, environment): (&str, &Environment),
        made: Option<(&Record, &Folder)>,
    ) -> Result<Self, Failure> {
        let env = |name: &str| std::env::var(name).ok();
        let made = made.filter(|(record, _)| record.created.is_some());
        let secrets = made.and_then(|(_, folder)| Secrets::read(folder)).and_then(|secrets| secrets.url);
        let (address, url) = match secrets {
            Some(url) => (Address::resolve(Some(&url), env).map_err(crate::commands::database::broken)?, url),
            None => {
                let url = environment.variable().and_then(env).unwrap_or_default();
                (environment.address(name, env)?, url)
            }
        };
        let place =
            Place { root: root.to_path_buf(), config: config.clone(), address, environment: Some(name.to_owned()) };
        Ok(Self { place, url })
    }

    /// As the other commands take it.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether it is on another machine.
    pub fn is_remote(&self) -> bool {
        let is_here =
            |host: &str| host.is_empty() || host.starts_with('/') || matches!(host, "localhost" | "127.0.0.1" | "::1");
        !self.place.address.host().split(',').all(is_here)
    }
}
