//! What the author says of the way from the last state to this one. None of it is part of what exists.

use crate::{ObjectId, SqlExpr, TableName};
use smol_str::SmolStr;

/// Something that was called otherwise before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The object, as it is called now.
    pub id: ObjectId,
    /// Its column, label or attribute, as it is called now; none: the object itself.
    pub part: Option<SmolStr>,
    /// What it was called.
    pub was: SmolStr,
    /// The schema that it was in, if that was another one: by its own old name.
    pub was_in: Option<SmolStr>,
}

/// All that is said of the way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hints {
    /// `was`.
    pub renames: Vec<Rename>,
    /// `backfill`: what a column holds in rows that are there already.
    pub backfills: Vec<(TableName, SmolStr, SqlExpr)>,
    /// `using`: what the values of a column become in its new type, over the row as it was.
    pub usings: Vec<(TableName, SmolStr, SqlExpr)>,
}

impl Hints {
    /// What the values of a column become.
    pub fn using(&self, table: &TableName, column: &str) -> Option<&SqlExpr> {
        self.usings.iter().find(|(t, c, _)| t == table && c == column).map(|(_, _, value)| value)
    }

    /// The backfill of a column.
    pub fn backfill(&self, table: &TableName, column: &str) -> Option<&SqlExpr> {
        self.backfills.iter().find(|(t, c, _)| t == table && c == column).map(|(_, _, value)| value)
    }
}
