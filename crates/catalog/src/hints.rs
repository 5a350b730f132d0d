//! What the author says of the way from the last state to this one. None of it is part of what exists.

use crate::{ObjectId, SqlExpr, TableName};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Something that was called otherwise before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rename {
    /// The object, as it is called now.
    pub id: ObjectId,
    /// Its column, label or attribute, as it is called now; none: the object itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<SmolStr>,
    /// What it was called.
    pub was: SmolStr,
    /// The schema that it was in, if that was another one: by its own old name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was_in: Option<SmolStr>,
}

/// Where the rows of a new table come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsFrom {
    /// The table that gets them.
    pub table: TableName,
    /// The columns that the query gives, in its order.
    pub columns: Vec<SmolStr>,
    /// The query.
    pub query: SmolStr,
    /// Its parts, where each of them gives one row for each of some rows of one table; else none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<RowsBranch>,
}

/// A part of the query of [`RowsFrom`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsBranch {
    /// The table whose rows are read, as it is called after renames.
    pub table: TableName,
    /// How the values call a row of it.
    pub alias: SmolStr,
    /// In the order of the columns.
    pub values: Vec<SmolStr>,
    /// Which rows; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<SmolStr>,
}

/// An old column that stays beside the one that took its place with another type, until a build drops it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The table.
    pub table: TableName,
    /// The column that took its place.
    pub column: SmolStr,
    /// What the old column is called now.
    pub old: SmolStr,
    /// The function and the trigger that write to it what is written to the new one; the function is in the table's schema.
    pub function: SmolStr,
    /// The trigger.
    pub trigger: SmolStr,
}

/// All that is said of the way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hints {
    /// `was`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub renames: Vec<Rename>,
    /// `backfill`: what a column holds in rows that are there already.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub backfills: Vec<(TableName, SmolStr, SqlExpr)>,
    /// `using`: what the values of a column become in its new type, over the row as it was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub usings: Vec<(TableName, SmolStr, SqlExpr)>,
    /// `from`: the rows of new tables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub froms: Vec<RowsFrom>,
    /// Old columns that stay. They are in the state, not in the spec.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Kept>,
    /// Every name that tables and columns had before, also where nothing says it any more: records that were written then have it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<Rename>,
}

impl Hints {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.renames.is_empty()
            && self.backfills.is_empty()
            && self.usings.is_empty()
            && self.froms.is_empty()
            && self.kept.is_empty()
            && self.former.is_empty()
    }

    /// What is still to be done of it where `said` was done before. Most of it shows in the state whether it was done; that
    /// names have changed places in a circle does not, since the same names are there before and after.
    pub fn since(&self, said: &Hints) -> Hints {
        let mut rest = self.clone();
        rest.renames.retain(|rename| !self.is_circle_of(rename, said));
        rest
    }

    /// Whether a rename is one of several that lead back to its own name, all of them said before.
    fn is_circle_of(&self, start: &Rename, said: &Hints) -> bool {
        let mut at = start;
        for _ in 0..=self.renames.len() {
            if !said.renames.contains(at) {
                return false;
            }
            match self.renames.iter().find(|next| next.names(at)) {
                Some(next) if next == start => return true,
                Some(next) => at = next,
                None => return false,
            }
        }
        false
    }

    /// What the values of a column become.
    pub fn using(&self, table: &TableName, column: &str) -> Option<&SqlExpr> {
        self.usings.iter().find(|(t, c, _)| t == table && c == column).map(|(_, _, value)| value)
    }

    /// Whether it is an old column that stays.
    pub fn keeps(&self, table: &TableName, old: &str) -> bool {
        self.kept.iter().any(|kept| kept.table == *table && kept.old == old)
    }

    /// Where the rows of a new table come from.
    pub fn froms_of<'h>(&'h self, table: &'h TableName) -> impl Iterator<Item = &'h RowsFrom> {
        self.froms.iter().filter(move |from| from.table == *table)
    }

    /// The backfill of a column.
    pub fn backfill(&self, table: &TableName, column: &str) -> Option<&SqlExpr> {
        self.backfills.iter().find(|(t, c, _)| t == table && c == column).map(|(_, _, value)| value)
    }
}

impl Rename {
    /// Whether what this gives a name is what `other` says to have had that name before.
    fn names(&self, other: &Rename) -> bool {
        if self.part.is_some() || other.part.is_some() {
            return self.id == other.id && self.part.as_ref() == Some(&other.was);
        }
        let schema = other.was_in.as_ref().unwrap_or(&other.id.schema);
        self.id.kind == other.id.kind && self.id.name == other.was && self.id.schema == *schema
    }
}
