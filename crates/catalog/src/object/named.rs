//! Schemas, extensions, and the types and sequences in them.

use super::{DataType, Qualified, SqlExpr, is_default};
use crate::TableName;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// `create schema`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Its name.
    pub name: SmolStr,
}

/// `create extension`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extension {
    /// Its name.
    pub name: SmolStr,
    /// Where its objects go; empty: the first of the search path.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub schema: SmolStr,
    /// A fixed version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<SmolStr>,
}

/// `create type … as enum`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Enum {
    /// Its schema.
    pub schema: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// In sort order.
    pub labels: Vec<SmolStr>,
}

/// `create domain`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    /// Its schema.
    pub schema: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// The type below.
    pub base: DataType,
    /// Whether null is a value of it.
    pub nullable: bool,
    /// Its collation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<Qualified>,
    /// Its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<SqlExpr>,
    /// Name and condition over `value`, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<(SmolStr, SqlExpr)>,
}

/// `create type … as (…)`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Composite {
    /// Its schema.
    pub schema: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// Name, type, collation.
    pub fields: Vec<(SmolStr, DataType, Option<Qualified>)>,
}

/// `create sequence`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its schema.
    pub schema: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// `bigint` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ty: Option<DataType>,
    /// Its numbers.
    pub options: SequenceOptions,
    /// The column that owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_by: Option<(TableName, SmolStr)>,
}

/// Numbers of a sequence or identity; absent: Postgres's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // named as in SQL
pub struct SequenceOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub increment: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<i64>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub cycle: bool,
}
