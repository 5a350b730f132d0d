//! What runs: functions, views and triggers.

use super::{DataType, Qualified, SqlExpr, is_default};
use crate::TableName;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// `create function` or `create procedure`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Its schema.
    pub schema: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// A procedure.
    #[serde(default, skip_serializing_if = "is_default")]
    pub procedure: bool,
    /// Its parameters.
    pub params: Vec<Param>,
    /// What it gives back; none for a procedure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns: Option<Returns>,
    /// `sql`, `plpgsql` …
    pub language: SmolStr,
    /// Its text.
    pub body: Body,
    /// `volatile`, `stable` or `immutable`.
    pub volatility: Volatility,
    /// Null in, null out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub strict: bool,
    /// `safe`, `restricted`; absent: unsafe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<SmolStr>,
    /// Tells nothing of its arguments.
    #[serde(default, skip_serializing_if = "is_default")]
    pub leakproof: bool,
    /// Runs as its owner.
    #[serde(default, skip_serializing_if = "is_default")]
    pub security_definer: bool,
    /// `cost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<SmolStr>,
    /// `rows`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<SmolStr>,
    /// `set name = value`, sorted by name; an empty value is `''`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<(SmolStr, SmolStr)>,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// `in`, `out`, `inout`, `variadic`.
    pub mode: SmolStr,
    /// Its name, or empty.
    pub name: SmolStr,
    /// Its type.
    pub ty: DataType,
    /// Its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<SqlExpr>,
}

/// What a function gives back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Returns {
    Type(DataType),
    SetOf(DataType),
    Table(Vec<(SmolStr, DataType)>),
}

/// A function's text. Line ends around it are layout: what differs in nothing else is equal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// `begin atomic … end`: statements that Postgres checks and tracks when the function is made.
    Atomic(SmolStr),
    /// `as $$ … $$`, on lines of its own, without the line ends around it.
    Text(SmolStr),
    /// `as $$ … $$`, byte for byte, where it does not stand on lines of its own.
    Exact(SmolStr),
}

impl Body {
    /// What stands between the dollars.
    pub fn written(text: &str) -> Self {
        match text.strip_prefix('\n').and_then(|text| text.strip_suffix('\n')) {
            Some(inner) if inner.trim_matches('\n') == inner => Body::Text(inner.into()),
            _ => Body::Exact(text.into()),
        }
    }

    /// Whether Postgres reads it when the function is made.
    pub fn is_atomic(&self) -> bool {
        matches!(self, Body::Atomic(_))
    }

    /// The text, of any sort.
    pub fn text(&self) -> &SmolStr {
        let (Body::Atomic(text) | Body::Text(text) | Body::Exact(text)) = self;
        text
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        match (self.is_atomic(), other.is_atomic()) {
            (true, true) => self.text() == other.text(),
            (false, false) => self.text().trim_matches('\n') == other.text().trim_matches('\n'),
            _ => false,
        }
    }
}

/// How much a function's answer varies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Volatility {
    #[default]
    Volatile,
    Stable,
    Immutable,
}

impl From<Volatility> for specc_facts::Volatility {
    fn from(volatility: Volatility) -> Self {
        match volatility {
            Volatility::Immutable => Self::Immutable,
            Volatility::Stable => Self::Stable,
            Volatility::Volatile => Self::Volatile,
        }
    }
}

impl Function {
    /// What tells functions of one name apart: the types of its input parameters, as SQL, joined by `, `.
    pub fn signature(&self) -> SmolStr {
        let inputs = self.params.iter().filter(|p| p.mode != "out");
        inputs.map(|p| p.ty.to_string()).collect::<Vec<_>>().join(", ").into()
    }
}

/// `create view` or `create materialized view`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "crate::store::StoredView")]
pub struct View {
    /// Its name.
    #[serde(flatten)]
    pub view: TableName,
    /// Names of its columns where the query does not name them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<SmolStr>,
    /// The query, without a final semicolon.
    pub query: SmolStr,
    /// Kept, and refreshed when asked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub materialized: bool,
    /// Reads with the rights of who asks.
    #[serde(default, skip_serializing_if = "is_default")]
    pub security_invoker: bool,
    /// Filters before functions of the query's user run.
    #[serde(default, skip_serializing_if = "is_default")]
    pub security_barrier: bool,
    /// `local` or `cascaded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_option: Option<SmolStr>,
    /// `with no data`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_data: bool,
}

/// `create trigger`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// On which table or view.
    pub table: TableName,
    /// Its name.
    pub name: SmolStr,
    /// When.
    pub timing: Timing,
    /// `insert`, `update`, `delete`, `truncate`, in this order, with the columns of `update of`.
    pub events: Vec<(SmolStr, Vec<SmolStr>)>,
    /// For each row, else for each statement.
    pub per_row: bool,
    /// `referencing old table as`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_table: Option<SmolStr>,
    /// `referencing new table as`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_table: Option<SmolStr>,
    /// Over `old` and `new`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<SqlExpr>,
    /// What runs.
    pub function: Qualified,
    /// Its arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<SmolStr>,
    /// A constraint trigger (always deferrable).
    #[serde(default, skip_serializing_if = "is_default")]
    pub constraint: bool,
    /// `initially deferred`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub initially_deferred: bool,
    /// `disabled`, `replica` or `always`; empty: wherever rows are written first.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub enabled: SmolStr,
}

/// When a trigger fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Timing {
    Before,
    After,
    InsteadOf,
}
