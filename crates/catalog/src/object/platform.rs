//! What a platform adds, rows, and what no other object says.

use super::{SqlExpr, is_default};
use crate::ObjectId;
use crate::TableName;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// `create publication`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Publication {
    /// Its name.
    pub name: SmolStr,
}

/// `alter publication … add table`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublicationTable {
    /// Which publication (it may belong to the platform, and not be in the catalog).
    pub publication: SmolStr,
    /// Which table.
    pub table: TableName,
    /// Only these; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<SmolStr>,
    /// Only these rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<SqlExpr>,
}

/// A storage bucket of the Supabase platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Its id and name.
    pub id: SmolStr,
    /// Read without a token.
    pub public: bool,
    /// In bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_limit: Option<u64>,
    /// Allowed MIME types; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mime_types: Vec<SmolStr>,
}

/// A `pg_cron` job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its name.
    pub name: SmolStr,
    /// A cron expression.
    pub schedule: SmolStr,
    /// The SQL that runs.
    pub command: SmolStr,
}

/// Rows that belong to the schema: inserted, and kept as the spec says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seed {
    /// Into which table.
    pub table: TableName,
    /// Its place among all seeds, from 0: rows that others refer to come first.
    pub order: u32,
    /// Columns that are given.
    pub columns: Vec<SmolStr>,
    /// The columns that tell rows apart: a key.
    pub key: Vec<SmolStr>,
    /// A value for each column.
    pub rows: Vec<Vec<SqlExpr>>,
    /// A row that is there already is made as the seed says (else it is left alone).
    pub update: bool,
    /// The column among `columns` that a sequence fills when it is left out: the sequence must be moved past the highest
    /// value (and a value for an identity column overrides the system's).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<SmolStr>,
}

/// SQL that no typed object says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sql {
    /// Its name in the spec.
    pub name: SmolStr,
    /// Statements that make it.
    pub up: SmolStr,
    /// Statements that take it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down: Option<SmolStr>,
    /// Made after everything else, rather than as early as what it needs allows.
    #[serde(default, skip_serializing_if = "is_default")]
    pub last: bool,
    /// What it makes: other objects may depend on these ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provides: Vec<ObjectId>,
}
