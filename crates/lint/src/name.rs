//! Names of objects.

use crate::cursor::Place;
use smol_str::{SmolStr, format_smolstr};

/// A name as written, folded as Postgres folds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
    pub(crate) place: Place,
}

/// What objects are known by: schema and name.
pub(crate) type Key = SmolStr;

impl Name {
    /// With the schema that it means.
    pub(crate) fn key(&self, path: &str) -> Key {
        format_smolstr!("{}.{}", self.schema.as_deref().unwrap_or(path), self.name)
    }

    /// The schema that it means.
    pub(crate) fn in_schema<'a>(&'a self, path: &'a str) -> &'a str {
        self.schema.as_deref().unwrap_or(path)
    }

    /// As an author would say it.
    pub(crate) fn said(&self) -> String {
        match &self.schema {
            Some(schema) => format!("`{schema}.{}`", self.name),
            None => format!("`{}`", self.name),
        }
    }

    /// Another name in the same schema.
    pub(crate) fn sibling(&self, name: String, place: Place) -> Self {
        Self { schema: self.schema.clone(), name, place }
    }
}
