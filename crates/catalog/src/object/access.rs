//! Who may do what.

use super::{SqlExpr, is_default};
use crate::ObjectId;
use crate::TableName;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// `create role` (roles that exist already are not in the catalog)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: SmolStr,
    /// `login`, `bypassrls`, `noinherit` …, sorted.
    pub options: Vec<SmolStr>,
    /// Roles whose member it is, sorted.
    pub member_of: Vec<SmolStr>,
}

/// `create policy`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// On which table.
    pub table: TableName,
    /// Its name.
    pub name: SmolStr,
    /// Adds access; otherwise restricts it.
    pub permissive: bool,
    /// What it is for.
    pub command: Command,
    /// To whom, sorted; empty: public.
    pub roles: Vec<SmolStr>,
    /// Which rows are seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub using: Option<SqlExpr>,
    /// Which rows may be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<SqlExpr>,
}

/// What a policy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Command {
    All,
    Select,
    Insert,
    Update,
    Delete,
}

/// What one grantee may do with one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// The object: schema, table, view, sequence, function, type.
    pub on: ObjectId,
    /// To whom; `public` is everyone.
    pub to: SmolStr,
    /// Sorted by name.
    pub privileges: Vec<Privilege>,
}

/// `select (a, b) with grant option`
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Privilege {
    /// `select`, `execute`, `usage` …
    pub name: SmolStr,
    /// Only these columns, sorted; empty: the whole object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<SmolStr>,
    /// May be given on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub grantable: bool,
}
