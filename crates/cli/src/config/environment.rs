//! `[environments.NAME]`: a database that is known by name.

use crate::report::Failure;
use serde::Deserialize;
use specc_postgres::{Address, host_names, plain_host};
use std::path::PathBuf;

/// A database that is known by name, and what is deployed to it. Nothing in it is secret.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Whether commands ask before they change it; so for the environment `production` unless it says otherwise.
    production: Option<bool>,
    /// Its name; `*` stands for any characters.
    database: Option<String>,
    /// Its host; `*` stands for any characters.
    host: Option<String>,
    /// The variable that has its URL.
    database_url: Option<String>,
    /// The file with what programs need to reach it, which git ignores.
    pub env_file: Option<PathBuf>,
    /// The rows that it begins with.
    pub seed: Option<String>,
    /// How many bytes the disk has, in words: `8 GB`.
    disk: Option<String>,
    /// The project of Supabase: its reference.
    pub project: Option<String>,
    /// The organisation in which `specc deploy --create` makes it: its slug.
    pub organization: Option<String>,
    /// Where it is made.
    pub region: Option<String>,
    /// The plan that the organisation is expected to have.
    pub plan: Option<String>,
}

impl Environment {
    /// Whether commands ask before they change it.
    pub fn is_production(&self, name: &str) -> bool {
        self.production.unwrap_or(name == "production")
    }

    /// Whether what should be the name of a variable is one.
    pub fn is_without_secrets(&self) -> bool {
        self.database_url.as_ref().is_none_or(|name| {
            let mut letters = name.chars();
            letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
                && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
    }

    /// The variable that has its URL.
    pub fn variable(&self) -> Option<&str> {
        self.database_url.as_deref()
    }

    /// Whether it leads to a project of Supabase, whose database is at `host`: by its reference, or by its host.
    pub fn leads_to(&self, reference: &str, host: &str) -> bool {
        self.project.as_deref() == Some(reference)
            || self.host.is_some() && self.fits(host, "postgres", "postgres") == Some(true)
    }

    /// Whether it is this database; none where it names neither a database nor a host. A host is known by all its names: in any
    /// case, with a final dot, and behind Supabase's pooler, where the user says which project it is.
    pub fn fits(&self, host: &str, database: &str, user: &str) -> Option<bool> {
        if self.database.is_none() && self.host.is_none() {
            return None;
        }
        let glob =
            |p: &str, value: &str| globset::Glob::new(p).is_ok_and(|glob| glob.compile_matcher().is_match(value));
        let is = |pattern: &str, value: &str| pattern == value || glob(pattern, value);
        let hosts = host_names(host, user);
        let fits_database = self.database.as_ref().is_none_or(|pattern| is(pattern, database));
        let fits_host =
            self.host.as_ref().is_none_or(|pattern| hosts.iter().any(|host| is(&plain_host(pattern), host)));
        Some(fits_database && fits_host)
    }

    /// Whether the variable that it names leads to the same database; not where it is not set.
    pub fn leads_there(&self, address: &Address, env: impl Fn(&str) -> Option<String>) -> bool {
        let url = self.database_url.as_deref().and_then(&env);
        let own = url.and_then(|url| Address::resolve(Some(&url), env).ok());
        own.is_some_and(|own| own.is_same_database(address))
    }

    /// Where it is, by the variable that it names.
    ///
    /// # Errors
    /// Where it names none, the variable is not set, or leads to a database that the environment is not.
    pub fn address(&self, name: &str, env: impl Fn(&str) -> Option<String>) -> Result<Address, Failure> {
        let Some(variable) = &self.database_url else {
            return Err(Failure::broken(format!(
                "the environment `{name}` does not say which variable has its URL\n  help: write `database_url = \"{}_DATABASE_URL\"` \
                 under `[environments.{name}]` of specc.toml",
                name.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_")
            )));
        };
        let Some(url) = env(variable).filter(|url| !url.trim().is_empty()) else {
            return Err(Failure::broken(format!(
                "the variable `{variable}` is not set, which has the URL of the environment `{name}`"
            )));
        };
        let address =
            Address::resolve(Some(&url), env).map_err(|error| Failure::broken(format!("`{variable}`: {error}")))?;
        if self.fits(address.host(), address.database(), address.user()) == Some(false) {
            return Err(Failure::Refused(
                None,
                format!(
                    "`{variable}` leads to {address}, which is not the environment `{name}`: specc.toml says which host and database \
                     it has"
                ),
            ));
        }
        Ok(address)
    }

    /// The name of its database, where that is said and stands for no others.
    pub fn database_name(&self) -> Option<&str> {
        self.database.as_deref().filter(|name| !name.contains(['*', '?', '[', '{']))
    }

    /// How many bytes its disk has, if that is said.
    ///
    /// # Errors
    /// Where that is no size.
    pub fn disk(&self, name: &str) -> Result<Option<u64>, Failure> {
        let Some(text) = &self.disk else { return Ok(None) };
        bytes(text).map(Some).ok_or_else(|| {
            Failure::broken(format!(
                "`{text}` is no size of a disk\n  help: write `disk = \"8 GB\"` under `[environments.{name}]`"
            ))
        })
    }
}

/// `8 GB` in bytes.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let unit = match text[end..].trim() {
        "MB" => 20,
        "GB" => 30,
        "TB" => 40,
        _ => return None,
    };
    text[..end].parse::<u64>().ok()?.checked_mul(1 << unit)
}

#[cfg(test)]
mod tests {
    use super::{Environment, bytes};

    #[test]
    fn a_size_has_a_unit() {
        assert_eq!(bytes("8 GB"), Some(8 << 30));
        assert_eq!(bytes(" 500MB "), Some(500 << 20));
        for wrong in ["", "8", "GB", "8 Gb", "-1 GB", "99999999999999999 TB"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_url_is_a_secret_and_a_name_is_none() {
        let says = |name: &str| Environment { database_url: Some(name.to_owned()), ..Environment::default() };
        for name in ["DATABASE_URL", "_x", "staging_url2"] {
            assert!(says(name).is_without_secrets(), "{name}");
        }
        for name in ["", "postgresql://ann:hush@db/shop", "2URL", "STAGING URL", "$URL", "host=db password=hush"] {
            assert!(!says(name).is_without_secrets(), "{name}");
        }
    }
}
