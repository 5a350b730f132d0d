//! Rows that are in the way of a change.

use specc_catalog::TableName;

/// Rows that a backfill leaves without a value that they have to have.
#[derive(Clone, Debug, PartialEq)]
pub struct Refuse<'a> {
    /// The columns that need one.
    pub columns: Vec<&'a str>,
    /// Which rows.
    pub rows: &'a str,
    /// The columns by which a row is named; none: by its place.
    pub key: Vec<&'a str>,
}

/// Rows that a later step would refuse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Misfit<'a> {
    /// Of this table.
    pub table: &'a TableName,
    /// A table that they are held against.
    pub other: Option<&'a TableName>,
    /// `from …`: those rows; or groups of them.
    pub rows: &'a str,
    /// What the rows of a group have in common, where `rows` gives groups.
    pub groups: Option<&'a str>,
    /// What they have that will not be taken.
    pub what: &'a str,
    /// The name of the error that the later step would give.
    pub code: &'static str,
}
