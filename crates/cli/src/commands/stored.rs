//! What the last build left: the catalog after the last migration, and the checksums of all that it wrote as history.

use crate::config::Config;
use crate::output;
use crate::report::Failure;
use specc_catalog::Catalog;
use specc_diag::codes;
use std::collections::BTreeMap;
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
        match (text(&path)?, text(&sums)?) {
            (None, None) => match output::marked_in(&out.join(config.migrations()))?.into_iter().min() {
                None => Ok(None),
                Some(file) => {
                    Err(damaged(&path, &format!("is missing, and {} is there, which a build wrote", file.display())))
                }
            },
            (None, Some(_)) => Err(damaged(&path, "is missing")),
            (Some(_), None) => Err(damaged(&sums, "is missing")),
            (Some(text), Some(list)) => {
                let recorded =
                    checksums(&list).map_err(|error| damaged(&sums, &format!("cannot be read ({error})")))?;
                let said =
                    recorded.iter().find(|(path, _)| Path::new(path).file_name() == Some("catalog.json".as_ref()));
                match said {
                    Some((_, sum)) if *sum == specc_catalog::checksum(&text) => Ok(Some(Self { text, path, recorded })),
                    _ => Err(damaged(&path, "is not as the last build left it")),
                }
            }
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

/// State that no build left like this.
pub fn damaged(path: &Path, why: &str) -> Failure {
    let text = format!(
        "{} {why}\n  help: bring specc's folder back as the last build left it (`git checkout`); after a merge, take the \
         migrations and specc's folder of one side, and build again; to start a history anew, remove both",
        path.display()
    );
    Failure::Refused(Some(codes::DAMAGED_STATE), text)
}

/// Path and SHA-256 of each file that was written.
fn checksums(text: &str) -> Result<Vec<(String, String)>, String> {
    #[derive(serde::Deserialize)]
    struct Checksums {
        files: BTreeMap<String, String>,
    }
    let parsed: Checksums = toml::from_str(text).map_err(|error| error.message().to_string())?;
    Ok(parsed.files.into_iter().collect())
}

/// The text of a file, if there is one.
pub fn text(path: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::broken(format!("cannot read {}: {error}", path.display()))),
    }
}
