//! Tables, their columns and how they are divided.

use super::{DataType, IndexKey, Parameters, Qualified, SequenceOptions, SqlExpr, is_default};
use crate::TableName;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// `create table`; its constraints, indexes, triggers and policies are objects of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "crate::store::StoredTable")]
pub struct Table {
    /// Its name.
    #[serde(flatten)]
    pub table: TableName,
    /// In order; empty for a partition, which has its parent's.
    pub columns: Vec<Column>,
    /// Not written to the log.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unlogged: bool,
    /// How it is divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_by: Option<PartitionBy>,
    /// What it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_of: Option<(TableName, Bounds)>,
    /// What it inherits from, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inherits: Vec<TableName>,
    /// Row level security.
    pub rls: Rls,
    /// Storage parameters.
    #[serde(default, skip_serializing_if = "is_default")]
    pub options: Parameters,
    /// `full`, `nothing`; absent: the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_identity: Option<SmolStr>,
}

/// Whether row level security filters, and whether it filters the owner too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Rls {
    Off,
    On,
    Forced,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: DataType,
    /// Whether it takes null.
    #[serde(default, skip_serializing_if = "is_default")]
    pub nullable: bool,
    /// Its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<SqlExpr>,
    /// `generated always as (…) stored`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Box<SqlExpr>>,
    /// Computed when read, not stored (from Postgres 18 on).
    #[serde(default, skip_serializing_if = "is_default")]
    pub virtual_generated: bool,
    /// `generated … as identity`: whether `always`, and its numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Box<(bool, SequenceOptions)>>,
    /// Its collation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<Box<Qualified>>,
    /// `external`, `main` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Box<SmolStr>>,
    /// `lz4` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<Box<SmolStr>>,
    /// `comment on column`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<SmolStr>,
}

impl Column {
    /// A plain not-null column.
    pub fn new(name: impl Into<SmolStr>, ty: DataType) -> Self {
        Self {
            name: name.into(),
            ty,
            nullable: false,
            default: None,
            generated: None,
            virtual_generated: false,
            identity: None,
            collation: None,
            storage: None,
            compression: None,
            comment: None,
        }
    }
}

/// `partition by`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartitionBy {
    /// `range`, `list` or `hash`.
    pub method: SmolStr,
    /// What divides.
    pub keys: Vec<IndexKey>,
}

/// `for values …`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Bounds {
    Range { from: Vec<SqlExpr>, to: Vec<SqlExpr> },
    List(Vec<SqlExpr>),
    Hash { modulus: u32, remainder: u32 },
    Default,
}
