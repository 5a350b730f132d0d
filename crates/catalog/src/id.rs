//! What identifies an object.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::fmt;

/// The kinds of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // each is named after its struct
pub enum Kind {
    Schema,
    Extension,
    Role,
    Enum,
    Domain,
    Composite,
    Sequence,
    Table,
    Constraint,
    Index,
    Function,
    View,
    Trigger,
    Policy,
    Grant,
    Publication,
    PublicationTable,
    Bucket,
    Job,
    Seed,
    Sql,
}

impl Kind {
    /// The word that a user would say.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Schema => "schema",
            Kind::Extension => "extension",
            Kind::Role => "role",
            Kind::Enum => "enum",
            Kind::Domain => "domain",
            Kind::Composite => "composite type",
            Kind::Sequence => "sequence",
            Kind::Table => "table",
            Kind::Constraint => "constraint",
            Kind::Index => "index",
            Kind::Function => "function",
            Kind::View => "view",
            Kind::Trigger => "trigger",
            Kind::Policy => "policy",
            Kind::Grant => "grant",
            Kind::Publication => "publication",
            Kind::PublicationTable => "published table",
            Kind::Bucket => "bucket",
            Kind::Job => "job",
            Kind::Seed => "seed",
            Kind::Sql => "sql block",
        }
    }
}

/// A kind and a name. `part` tells apart what lives in something else: a constraint, trigger or policy in its table
/// (`name` is the table), a function by its argument types, a grant by its grantee.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId {
    /// The kind.
    pub kind: Kind,
    /// The schema; empty for what has none.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub schema: SmolStr,
    /// The name in it.
    pub name: SmolStr,
    /// See above; mostly empty.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub part: SmolStr,
}

impl ObjectId {
    /// An id without a part.
    pub fn new(kind: Kind, schema: impl Into<SmolStr>, name: impl Into<SmolStr>) -> Self {
        Self { kind, schema: schema.into(), name: name.into(), part: SmolStr::default() }
    }

    /// The same with a part.
    pub fn part(mut self, part: impl Into<SmolStr>) -> Self {
        self.part = part.into();
        self
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind.word())?;
        if !self.schema.is_empty() {
            write!(f, "{}.", self.schema)?;
        }
        match self.kind {
            Kind::Function => write!(f, "{}({})", self.name, self.part),
            Kind::Constraint | Kind::Trigger | Kind::Policy => write!(f, "{} on {}", self.part, self.name),
            Kind::Grant => write!(f, "{} to {}", self.name, self.part),
            _ => write!(f, "{}", self.name),
        }
    }
}

/// A table (or view) by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableName {
    /// Its schema.
    pub schema: SmolStr,
    /// Its name.
    pub name: SmolStr,
}

impl TableName {
    /// From both.
    pub fn new(schema: impl Into<SmolStr>, name: impl Into<SmolStr>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }

    /// The id of the table with this name.
    pub fn id(&self) -> ObjectId {
        ObjectId::new(Kind::Table, self.schema.clone(), self.name.clone())
    }

    /// The id of a constraint, trigger or policy of it.
    pub fn part(&self, kind: Kind, name: impl Into<SmolStr>) -> ObjectId {
        ObjectId::new(kind, self.schema.clone(), self.name.clone()).part(name)
    }
}

/// An edge of the graph, with a reason that reads as English after "needs … because".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dependency {
    /// What is needed.
    pub on: ObjectId,
    /// `its column status has this type`.
    pub why: SmolStr,
}

impl Dependency {
    /// An edge.
    pub fn new(on: ObjectId, why: impl Into<SmolStr>) -> Self {
        Self { on, why: why.into() }
    }
}
