//! The catalog after the last migration, as a build left it.

use crate::config::Config;
use crate::report::Failure;
use specc_catalog::Catalog;
use std::path::{Path, PathBuf};

/// Its text: it is as large as the spec, so who needs only a part of it reads only that.
pub struct Stored {
    text: String,
    path: PathBuf,
}

impl Stored {
    /// None before the first build.
    pub fn read(out: &Path, config: &Config) -> Result<Option<Self>, Failure> {
        let path = out.join(config.state()).join("catalog.json");
        Ok(text(&path)?.map(|text| Self { text, path }))
    }

    /// All of it.
    pub fn catalog(&self) -> Result<Catalog, Failure> {
        specc_catalog::from_json(&self.text)
            .map_err(|error| Failure::broken(format!("{}: {error}", self.path.display())))
    }

    /// What is left of it and of `catalog` without what is written alike in both.
    pub fn apart(&self, catalog: &Catalog) -> Option<(Catalog, Catalog)> {
        specc_catalog::apart(&self.text, catalog)
    }
}

/// The text of a file, if there is one.
pub fn text(path: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::broken(format!("cannot read {}: {error}", path.display()))),
    }
}
