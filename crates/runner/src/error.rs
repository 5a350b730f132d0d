//! What stops a run.

use specc_postgres::postgres;
use std::fmt;

/// Why something was not done, or not all of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It must not be done as things are.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The server refused a step.
    #[error(transparent)]
    Failed(Box<Failed>),
    /// There is no connection, or it broke.
    #[error("{0}")]
    Connection(String),
    /// The server refused something of the runner's own.
    #[error("{0}")]
    Database(String),
}

impl Error {
    /// Whether the project or the database is at fault, not the environment.
    pub fn is_finding(&self) -> bool {
        matches!(self, Error::Refused(_) | Error::Failed(_))
    }
}

/// What must not be done, why, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    message: String,
    help: Option<String>,
}

impl Refused {
    /// What is wrong and why.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    /// What to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.help.iter().try_for_each(|help| write!(f, "\n  help: {help}"))
    }
}

impl std::error::Error for Refused {}

/// A step that the server refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The file.
    pub path: String,
    /// The line in it.
    pub line: usize,
    /// The step's first words.
    pub label: String,
    /// What the server said.
    pub said: ServerError,
    /// What stayed of the file, and what to do.
    pub state: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}\n  in: {}", self.path, self.line, self.said, self.label)?;
        write!(f, "\n  {}", self.state)
    }
}

impl std::error::Error for Failed {}

/// What the server says of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError {
    /// The SQLSTATE; empty where the connection broke.
    pub code: String,
    /// The message.
    pub message: String,
    /// Detail, hint and context.
    pub notes: Vec<String>,
    /// The character in the statement, from 1.
    pub position: Option<usize>,
}

impl ServerError {
    pub(crate) fn of(error: &postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
            return Self {
                code: String::new(),
                message: format!("{error}{source}"),
                notes: Vec::new(),
                position: None,
            };
        };
        let notes = [("detail", db.detail()), ("hint", db.hint()), ("context", db.where_())]
            .into_iter()
            .filter_map(|(name, note)| Some(format!("{name}: {}", note?)))
            .collect();
        let position = match db.position() {
            Some(postgres::error::ErrorPosition::Original(position)) => Some(*position as usize),
            _ => None,
        };
        Self { code: db.code().code().to_owned(), message: db.message().to_owned(), notes, position }
    }

    /// Whether a lock was not free, so that another try may succeed.
    pub fn may_pass(&self) -> bool {
        // lock_not_available, deadlock_detected, serialization_failure
        matches!(self.code.as_str(), "55P03" | "40P01" | "40001")
    }

    /// Whether there is no connection any more: it broke, or the server ends it.
    pub fn is_lost(&self) -> bool {
        self.code.is_empty() || self.code.starts_with("57P")
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.code.is_empty() {
            write!(f, " ({})", self.code)?;
        }
        self.notes.iter().try_for_each(|note| write!(f, "\n  {}", note.replace('\n', "\n    ")))
    }
}

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        let said = ServerError::of(&error);
        if said.is_lost() {
            Error::Connection(format!(
                "the connection to the database was lost: {said}\n  help: once it is back, run the same command again; the \
                 journal in the database knows what was done"
            ))
        } else {
            Error::Database(said.to_string())
        }
    }
}

impl From<specc_postgres::Error> for Error {
    fn from(error: specc_postgres::Error) -> Self {
        match error {
            // It ran, and the database said no.
            specc_postgres::Error::Program { .. } => Error::Database(error.to_string()),
            _ => Error::Connection(error.to_string()),
        }
    }
}
