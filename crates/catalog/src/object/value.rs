//! What objects are written with: expressions, types, names.

use super::is_default;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A SQL expression in canonical spelling: names resolved, qualified where they have to be, quoted where they have to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SqlExpr {
    /// The text.
    pub text: SmolStr,
    /// The columns of the object's own table that it reads, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<SmolStr>,
}

impl SqlExpr {
    /// An expression that reads no column.
    pub fn new(text: impl Into<SmolStr>) -> Self {
        Self { text: text.into(), columns: Vec::new() }
    }

    /// Whether it reads this column of the object's own table.
    pub fn reads(&self, column: &str) -> bool {
        self.columns.iter().any(|name| name == column)
    }
}

/// A type with its modifiers: `numeric(12,2)`, `text[]`, `billing.money`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DataType {
    /// Empty for a built-in type.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub schema: SmolStr,
    /// Postgres's own short name: `int`, `bigint`, `timestamptz`, `varchar`, `double precision`.
    pub name: SmolStr,
    /// Numbers in parentheses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<i64>,
    /// How many `[]`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dims: u8,
}

impl DataType {
    /// A built-in type without modifiers.
    pub fn builtin(name: impl Into<SmolStr>) -> Self {
        Self { schema: SmolStr::default(), name: name.into(), args: Vec::new(), dims: 0 }
    }
}

/// A name in a schema; the schema is empty for built-ins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Qualified {
    /// The schema, or empty.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub schema: SmolStr,
    /// The name.
    pub name: SmolStr,
}

impl Qualified {
    /// From both.
    pub fn new(schema: impl Into<SmolStr>, name: impl Into<SmolStr>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }
}

impl std::fmt::Display for DataType {
    /// For ids and messages: names as they are. The printer, not this, writes SQL.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.schema.is_empty() {
            write!(f, "{}.", self.schema)?;
        }
        write!(f, "{}", self.name)?;
        if !self.args.is_empty() {
            let args: Vec<_> = self.args.iter().map(i64::to_string).collect();
            write!(f, "({})", args.join(","))?;
        }
        (0..self.dims).try_for_each(|_| f.write_str("[]"))
    }
}
