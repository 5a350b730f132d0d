//! Schemas of other tools to a catalog: what a database that was made from them has. What is in such a schema and not in a
//! database is listed with the reason.
//!
//! Expressions and types are as their authors wrote them; Postgres has to read the catalog before it is compared with any.

mod dbml;
mod drizzle;
mod made;
mod prisma;
mod types;

use specc_catalog::Catalog;
use std::fmt;

/// Which tool a schema is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `schema.prisma`
    Prisma,
    /// Database Markup Language
    Dbml,
    /// A snapshot of `drizzle-kit`: `meta/…_snapshot.json`
    Drizzle,
}

/// A schema, read.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// What a database has.
    pub catalog: Catalog,
    /// What it has not, in the order of the text.
    pub left_out: Vec<LeftOut>,
}

/// Something that a schema says and a database does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// `User.updatedAt: @updatedAt`
    pub what: String,
    /// `the client sets it`
    pub why: String,
}

/// A schema that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportError {
    /// The line, from 1; 0 where there is none.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.message),
            line => write!(f, "line {line}: {}", self.message),
        }
    }
}

impl std::error::Error for ImportError {}

/// Reads a schema.
///
/// # Errors
/// Where it is not one of this tool for Postgres, or names what is not in it.
pub fn import(tool: Tool, text: &str) -> Result<Imported, ImportError> {
    match tool {
        Tool::Prisma => prisma::read(text),
        Tool::Dbml => dbml::read(text),
        Tool::Drizzle => drizzle::read(text),
    }
}

/// What pest could not read.
fn unreadable<R: pest::RuleType>(error: &pest::error::Error<R>) -> ImportError {
    let line = match error.line_col {
        pest::error::LineColLocation::Pos((line, _)) | pest::error::LineColLocation::Span((line, _), _) => line,
    };
    let written = error.line().trim_end_matches('␊').trim();
    ImportError { line, message: format!("this cannot be read: `{written}`") }
}
