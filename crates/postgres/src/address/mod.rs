//! Where a database is and how to get there: from a URL, from the environment, from `.pgpass`.

mod parse;
mod pgpass;
mod same;
mod tls;

pub use same::{host_names, plain_host};

use crate::error::Error;
use crate::session::Session;
use parse::Settings;
use postgres::Config;
use postgres::config::{ChannelBinding, SslMode};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Settings of a connection and the variables that give them where nothing else does, as libpq has them.
const VARIABLES: &[(&str, &str)] = &[
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("port", "PGPORT"),
    ("dbname", "PGDATABASE"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("passfile", "PGPASSFILE"),
    ("options", "PGOPTIONS"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("application_name", "PGAPPNAME"),
    ("channel_binding", "PGCHANNELBINDING"),
];

/// Settings that only say how, not where: they choose no database.
const HOW: &[&str] = &[
    "options",
    "sslmode",
    "sslrootcert",
    "connect_timeout",
    "application_name",
    "passfile",
    "target_session_attrs",
    "channel_binding",
];

/// A server that is gone without a word is noticed after half a minute: what is known by then is in the journal.
const KEEPALIVES: [(&str, &str); 4] =
    [("keepalives_idle", "10"), ("keepalives_interval", "5"), ("keepalives_count", "4"), ("tcp_user_timeout", "30000")];

const PATIENCE: &str = "15";

/// Where a database is and how to get there. It never shows its password.
#[derive(Clone)]
pub struct Address {
    settings: Settings,
}

impl Address {
    /// What a URL (or a `key=value` text) says, the rest as `env` and `.pgpass` have it. Without a URL, `env` must say
    /// where the database is.
    ///
    /// # Errors
    /// A text that is no address, or nothing that says where the database is.
    pub fn resolve(url: Option<&str>, env: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let env = |name: &str| env(name).filter(|value| !value.is_empty());
        let url = url.map(str::to_owned).or_else(|| env("DATABASE_URL"));
        let mut settings = match &url {
            Some(text) => parse::parse(text).map_err(Error::Address)?,
            None => Settings::new(),
        };
        for (key, name) in VARIABLES {
            if !settings.contains_key(*key)
                && let Some(value) = env(name)
            {
                settings.insert((*key).to_owned(), value);
            }
        }
        if url.is_none() && settings.keys().all(|key| HOW.contains(&key.as_str())) {
            return Err(Error::Address(
                "no database is named; give --database-url, or set DATABASE_URL or the PG* variables".into(),
            ));
        }
        let mut default = |key: &str, value: &dyn Fn(&Settings) -> Option<String>| {
            if !settings.contains_key(key)
                && let Some(value) = value(&settings)
            {
                settings.insert(key.to_owned(), value);
            }
        };
        default("host", &|settings| (!settings.contains_key("hostaddr")).then(default_host));
        default("port", &|_| Some("5432".into()));
        default("user", &|_| env("USER").or_else(|| env("LOGNAME")));
        default("dbname", &|settings| settings.get("user").cloned());
        default("sslmode", &|_| Some("prefer".into()));
        default("connect_timeout", &|_| Some(PATIENCE.into()));
        default("application_name", &|_| Some("specc".into()));
        KEEPALIVES.iter().for_each(|(key, value)| default(key, &|_| Some((*value).into())));
        default("password", &|settings| pgpass::find(settings, &env));
        let address = Self { settings };
        address.config()?;
        Ok(address)
    }

    /// Connects.
    ///
    /// # Errors
    /// Where nobody answers, or not as wanted.
    pub fn connect(&self) -> Result<Session, Error> {
        let config = self.config()?;
        let failed = |error: Error| Error::Connect { address: self.to_string(), reason: error.to_string() };
        if self.is_local() {
            return Session::connect(&config).map_err(failed);
        }
        let tls = tls::connector(self.get("sslmode"), self.get("sslrootcert"))?;
        Session::connect_with(&config, tls).map_err(failed)
    }

    /// The same place, another database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut settings = self.settings.clone();
        settings.insert("dbname".into(), name.into());
        Self { settings }
    }

    /// The name of the host, or the folder of the socket; several with commas.
    pub fn host(&self) -> &str {
        match self.get("host") {
            "" => self.get("hostaddr"),
            host => host,
        }
    }

    /// The name of the database.
    pub fn database(&self) -> &str {
        self.get("dbname")
    }

    /// Who connects.
    pub fn user(&self) -> &str {
        self.get("user")
    }

    /// What the programs of Postgres need in their environment to connect likewise. It has the password: it is for the
    /// environment of a process alone.
    pub fn variables(&self) -> Vec<(String, String)> {
        let known = VARIABLES.iter().filter(|(key, _)| *key != "passfile");
        known.filter_map(|(key, name)| Some(((*name).to_owned(), self.settings.get(*key)?.clone()))).collect()
    }

    fn get(&self, key: &str) -> &str {
        self.settings.get(key).map(String::as_str).unwrap_or_default()
    }

    fn is_local(&self) -> bool {
        self.get("host").split(',').all(same::is_folder) && !self.settings.contains_key("hostaddr")
    }

    fn config(&self) -> Result<Config, Error> {
        let mut config = Config::new();
        let bad = |key: &str, value: &str| Error::Address(format!("`{value}` is no value for {key}"));
        for (key, value) in &self.settings {
            let number = || value.trim().parse::<u64>().map_err(|_| bad(key, value));
            match key.as_str() {
                "host" => value.split(',').for_each(|host| {
                    config.host(host);
                }),
                "hostaddr" => {
                    for address in value.split(',') {
                        config.hostaddr(address.parse().map_err(|_| bad(key, value))?);
                    }
                }
                "port" => {
                    for port in value.split(',') {
                        // What stands there may be a part of a password.
                        let wrong = |_| {
                            Error::Address("the port is not a number; a `:` in a password is written as `%3A`".into())
                        };
                        config.port(port.parse().map_err(wrong)?);
                    }
                }
                "user" => drop(config.user(value)),
                "password" => drop(config.password(value)),
                "dbname" => drop(config.dbname(value)),
                "options" => drop(config.options(value)),
                "application_name" => drop(config.application_name(value)),
                "connect_timeout" => match number()? {
                    0 => {}
                    seconds => drop(config.connect_timeout(Duration::from_secs(seconds.max(2)))),
                },
                "keepalives" => drop(config.keepalives(number()? != 0)),
                "keepalives_idle" => drop(config.keepalives_idle(Duration::from_secs(number()?))),
                "keepalives_interval" => drop(config.keepalives_interval(Duration::from_secs(number()?))),
                "keepalives_count" => {
                    config.keepalives_retries(u32::try_from(number()?).map_err(|_| bad(key, value))?);
                }
                "tcp_user_timeout" => drop(config.tcp_user_timeout(Duration::from_millis(number()?))),
                "channel_binding" => drop(config.channel_binding(match value.as_str() {
                    "disable" => ChannelBinding::Disable,
                    "prefer" => ChannelBinding::Prefer,
                    "require" => ChannelBinding::Require,
                    _ => return Err(bad(key, value)),
                })),
                "target_session_attrs" => {
                    let attrs = match value.as_str() {
                        "any" | "prefer-standby" => postgres::config::TargetSessionAttrs::Any,
                        "read-write" | "primary" => postgres::config::TargetSessionAttrs::ReadWrite,
                        _ => return Err(bad(key, value)),
                    };
                    config.target_session_attrs(attrs);
                }
                "sslmode" => drop(config.ssl_mode(match value.as_str() {
                    "disable" => SslMode::Disable,
                    "allow" | "prefer" => SslMode::Prefer,
                    "require" | "verify-ca" | "verify-full" => SslMode::Require,
                    _ => return Err(bad(key, value)),
                })),
                _ => {}
            }
        }
        Ok(config)
    }
}

/// User, host and database; no password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}/{}", self.user(), self.host(), self.database())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// The socket of a server here, else this machine by its network name.
fn default_host() -> String {
    let folders = ["/var/run/postgresql", "/tmp"];
    let found = folders.iter().find(|dir| Path::new(dir).join(".s.PGSQL.5432").exists());
    found.map_or_else(|| "localhost".into(), |dir| (*dir).to_owned())
}

/// The user's own folder.
fn home(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    env("HOME").map(PathBuf::from)
}

#[cfg(test)]
mod tests;
