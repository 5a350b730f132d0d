//! What the values of a column become in another type.

use crate::effects::Loss;
use crate::print::push_type;
use crate::quote::qualified;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Column, DataType, TableName};

/// Asks what the values of a column become in another type, before anything is changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Convert<'a> {
    /// Of this table.
    pub table: &'a TableName,
    /// The column, as it was.
    pub column: &'a Column,
    /// An attribute of its values that gets another type, if they keep theirs; none: they are what gets it.
    pub attribute: Option<&'a str>,
    /// The type that it gets.
    pub to: &'a DataType,
    /// What a value becomes, over the row; absent: what it is by itself where it is stored as that type.
    pub value: Option<&'a str>,
    /// Stops where a value raises an error, and says how many do.
    pub refuses: bool,
    /// Null stops it too.
    pub required: bool,
    /// A value of which blanks at the end would be cut stops it too.
    pub whole: bool,
    /// Which rows hold another value afterwards, where some may.
    pub changed: Option<&'a str>,
    /// The columns by which a row is named; none: by the value.
    pub key: Vec<&'a str>,
    /// What the conversion reads of the session, and what that has to be.
    pub settings: Vec<(&'a str, &'a str)>,
}

impl Convert<'_> {
    /// The column, or the attribute of its values.
    pub fn path(&self) -> SmolStr {
        match self.attribute {
            Some(attribute) => format_smolstr!("{}.{attribute}", self.column.name),
            None => self.column.name.clone(),
        }
    }

    /// The type as it is written.
    pub fn type_text(&self) -> String {
        let mut text = String::new();
        push_type(&mut text, self.to);
        text
    }

    /// The query for the rows that hold another value afterwards.
    pub fn changed_rows(&self) -> Option<String> {
        self.changed
            .map(|changed| format!("select * from {} where {changed}", qualified(&self.table.schema, &self.table.name)))
    }

    pub(crate) fn loses(&self) -> Option<Loss> {
        Some(Loss::Part {
            table: self.table.clone(),
            column: self.path(),
            to: self.type_text(),
            rows: self.changed_rows()?,
        })
    }
}
