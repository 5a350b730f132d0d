//! What can go wrong here, and what to do about it.

use std::fmt;
use std::path::PathBuf;

/// Why a cluster, a database or a session could not be had or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No server of this major version was found.
    #[error(
        "Postgres {major} is not installed. In a checkout of this project run `.ci/setup`; elsewhere \
         install it (Debian: `apt-get install postgresql-{major} postgresql-contrib`) or set \
         SPECC_POSTGRES_DIR to a folder that holds its `bin` folder. Found: {found}"
    )]
    NotInstalled {
        /// The major version that was asked for.
        major: u32,
        /// The versions that were found instead.
        found: String,
    },

    /// This process is root, and there is no other user to run the server as.
    #[error(
        "Postgres refuses to run as root, and neither a user `postgres` nor a user `nobody` exists; \
         add one, or run as another user"
    )]
    NoUser,

    /// No folder for sockets and data is short enough and open to the server's user.
    #[error(
        "no folder for a scratch cluster: set SPECC_POSTGRES_TMP to a folder with a short path that \
         every user can enter"
    )]
    NoFolder,

    /// The server did not start, or a tool of it failed.
    #[error("{what} failed{}", indent(log))]
    Server {
        /// What was being done.
        what: &'static str,
        /// The end of the server's log.
        log: String,
    },

    /// A file or a process could not be used.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// The file or folder it was done to.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// No programs that are new enough for a server.
    #[error(
        "no pg_dump and pg_restore of version {major} or later on this machine, which a server of version {major} needs; install \
         the client programs of Postgres, or set SPECC_POSTGRES_DIR to a folder that holds their `bin` folder. Found: {found}"
    )]
    NoPrograms {
        /// The server's major version.
        major: u32,
        /// The versions that were found instead.
        found: String,
    },

    /// A program of Postgres failed.
    #[error("{name} failed{}", indent(said))]
    Program {
        /// Which.
        name: String,
        /// What it said.
        said: String,
    },

    /// A text that does not say where a database is.
    #[error("{0}")]
    Address(String),

    /// Nobody answers there, or not as wanted.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// Whom and where, without a password.
        address: String,
        /// What was said.
        reason: String,
    },

    /// There is no such role in the cluster.
    #[error("there is no role `{0}` in this cluster")]
    UnknownRole(String),

    /// A file of SQL was refused.
    #[error(transparent)]
    Load(Box<LoadError>),

    /// The server refused a statement, or the connection broke.
    #[error("{}", describe(.0))]
    Database(#[from] postgres::Error),
}

impl Error {
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }

    /// The SQLSTATE, where the server gave one.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Load(error) => Some(&error.sqlstate),
            Self::Database(error) => error.code().map(postgres::error::SqlState::code),
            _ => None,
        }
    }
}

/// A file of SQL that the server refused, with the place in the file.
#[derive(Debug)]
pub struct LoadError {
    /// The server's message.
    pub message: String,
    /// The five characters of the SQLSTATE.
    pub sqlstate: String,
    /// The server's detail, hint and context, one a line.
    pub notes: Vec<String>,
    /// The line and its text, where the server told a position.
    pub line: Option<(usize, String)>,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.sqlstate)?;
        if let Some((line, text)) = &self.line {
            write!(f, "\n  line {line}: {}", text.trim_end())?;
        }
        self.notes.iter().try_for_each(|note| write!(f, "\n  {note}"))
    }
}

impl std::error::Error for LoadError {}

fn indent(log: &str) -> String {
    log.lines().map(|line| format!("\n  {line}")).collect()
}

fn describe(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        // What the error is of says more than what was being done.
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}
