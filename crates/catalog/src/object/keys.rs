//! Constraints and indexes.

use super::{Parameters, Qualified, SqlExpr, is_default};
use crate::TableName;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A table constraint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Constraint {
    /// Where.
    pub table: TableName,
    /// Its name.
    pub name: SmolStr,
    /// What it holds.
    pub rule: Rule,
    /// May be checked at the end of a transaction.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deferrable: bool,
    /// Is, unless told otherwise.
    #[serde(default, skip_serializing_if = "is_default")]
    pub initially_deferred: bool,
    /// Rows that were there before were not checked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub not_valid: bool,
}

/// What a constraint holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // named as in SQL
pub enum Rule {
    PrimaryKey {
        columns: Vec<SmolStr>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        include: Vec<SmolStr>,
    },
    Unique {
        columns: Vec<SmolStr>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        include: Vec<SmolStr>,
        #[serde(default, skip_serializing_if = "is_default")]
        nulls_not_distinct: bool,
    },
    Check {
        expr: SqlExpr,
        #[serde(default, skip_serializing_if = "is_default")]
        no_inherit: bool,
    },
    ForeignKey(ForeignKey),
    Exclude {
        method: SmolStr,
        elements: Vec<(IndexKey, SmolStr)>,
        filter: Option<SqlExpr>,
    },
}

/// `foreign key … references …`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// The referencing columns.
    pub columns: Vec<SmolStr>,
    /// The referenced table.
    pub target: TableName,
    /// Its columns, in the same order.
    pub target_columns: Vec<SmolStr>,
    /// `on delete`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_delete: Action,
    /// `on delete set null (these)`; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_delete_columns: Vec<SmolStr>,
    /// `on update`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_update: Action,
    /// `match full`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub match_full: bool,
}

/// What happens to the referencing row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Action {
    #[default]
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

/// `create index` (indexes that belong to a constraint are not objects)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// On which table or materialized view; its schema is the index's too.
    pub table: TableName,
    /// Its name.
    pub name: SmolStr,
    /// Whether values repeat.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unique: bool,
    /// `btree`, `gin`, `hnsw` …
    pub method: SmolStr,
    /// What it is over.
    pub keys: Vec<IndexKey>,
    /// Columns that ride along.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<SmolStr>,
    /// Which rows it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<SqlExpr>,
    /// Storage parameters.
    #[serde(default, skip_serializing_if = "is_default")]
    pub options: Parameters,
    /// Nulls are equal to each other.
    #[serde(default, skip_serializing_if = "is_default")]
    pub nulls_not_distinct: bool,
}

/// An element of an index, exclusion or partition key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexKey {
    /// A column's name, or an expression.
    pub on: KeyOn,
    /// Its collation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<Box<Qualified>>,
    /// Its operator class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opclass: Option<Box<Qualified>>,
    /// Descending.
    #[serde(default, skip_serializing_if = "is_default")]
    pub desc: bool,
    /// Where nulls go, if it is not where they go by default (last, first if descending).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nulls_first: Option<bool>,
}

impl IndexKey {
    /// A column in plain order.
    pub fn column(name: impl Into<SmolStr>) -> Self {
        Self { on: KeyOn::Column(name.into()), collation: None, opclass: None, desc: false, nulls_first: None }
    }
}

impl IndexKey {
    /// The column, if it is over a column.
    pub fn column_name(&self) -> Option<&SmolStr> {
        match &self.on {
            KeyOn::Column(name) => Some(name),
            KeyOn::Expr(_) => None,
        }
    }
}

/// What an [`IndexKey`] is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum KeyOn {
    Column(SmolStr),
    Expr(SqlExpr),
}
