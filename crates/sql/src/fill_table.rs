//! Rows that are written to a table from those of another one.

use crate::quote::ident;
use specc_catalog::{Column, Table, TableName};

/// A column that is written, and with what.
#[derive(Clone, Debug, PartialEq)]
pub struct Assign<'a> {
    /// The column, as the table has it that gets the rows.
    pub column: &'a Column,
    /// What it holds, over a row of the source.
    pub value: &'a str,
}

/// Fills a table from the rows of one other table, which is walked by its key.
///
/// In batches each of them is a transaction of its own. A row that is there already, by whomever it was written, is passed
/// over, so that what is interrupted goes on where it stopped. In the end both tables are compared row by row in one
/// snapshot, and what differs is an error that names rows.
#[derive(Clone, Debug, PartialEq)]
pub struct FillTable<'a> {
    /// The table that gets the rows.
    pub table: &'a TableName,
    /// What is written. Columns that are not named get their defaults.
    pub set: Vec<Assign<'a>>,
    /// The table that is walked.
    pub source: &'a Table,
    /// How the expressions call a row of it.
    pub alias: Option<&'a str>,
    /// Its key: columns that take no null, of which no two rows have the same.
    pub key: Vec<&'a str>,
    /// Which of its rows are taken; absent: all.
    pub only: Option<&'a str>,
    /// How many of the columns that are written tell the rows apart, the first ones: by these a row is found again. None:
    /// rows are not found again, and `done` says how far it came.
    pub known_by: usize,
    /// A table of one row with the columns of `key`, those of the last row that was written. Used where `known_by` is none.
    pub done: Option<&'a TableName>,
    /// What the expressions read of the session, and what that has to be.
    pub settings: Vec<(&'a str, &'a str)>,
    /// Triggers of the table that gets the rows do not fire.
    pub quiet: bool,
    /// Other rows of the table come from elsewhere.
    pub shared: bool,
    /// All rows at once, while nobody writes the source.
    pub at_once: bool,
}

impl FillTable<'_> {
    /// Whether a column holds what the column of the same name and type holds in the source.
    pub fn is_carried(&self, assign: &Assign<'_>) -> bool {
        assign.value == ident(&assign.column.name)
            && self.source.columns.iter().any(|o| o.name == assign.column.name && o.ty == assign.column.ty)
    }

    /// The value of a column, called as the column is.
    pub fn named(&self, assign: &Assign<'_>) -> String {
        let name = ident(&assign.column.name);
        if assign.value == name { name.into_owned() } else { format!("{} as {name}", assign.value) }
    }
}

/// Rows that a query gives, written to a table at once, while nobody writes what the query reads.
#[derive(Clone, Debug, PartialEq)]
pub struct InsertFrom<'a> {
    /// The table that gets the rows.
    pub table: &'a TableName,
    /// The columns that the query gives.
    pub columns: Vec<&'a str>,
    /// The query.
    pub query: &'a str,
    /// The tables that it reads.
    pub of: Vec<&'a TableName>,
}
