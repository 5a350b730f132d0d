//! Retention, and which rows are a person's.

use super::{EntityId, FieldIx, Meta};
use smol_str::SmolStr;
use specc_diag::Span;

/// For how long rows stay.
#[derive(Clone, Debug)]
pub struct Retain {
    /// As Postgres reads it: `2 years 6 months`.
    pub interval: SmolStr,
    /// The time that counts.
    pub field: FieldIx,
    pub span: Span,
}

/// Whose data `erase_person` and `export_person` are about.
#[derive(Clone, Debug)]
pub struct Person {
    pub meta: Meta,
    /// The entity that stands for a person; it has a key of one column.
    pub entity: EntityId,
    /// The entities with rows of a person; each after those that its links lead to.
    pub reached: Vec<Reached>,
}

/// An entity with rows of a person.
#[derive(Clone, Debug)]
pub struct Reached {
    pub entity: EntityId,
    /// A row is the person's where one of these holds.
    pub links: Vec<Link>,
}

/// Columns that are equal to those of a row of the person.
#[derive(Clone, Debug)]
pub struct Link {
    pub fields: Vec<FieldIx>,
    /// An entity that is reached, and its columns; none: the person's key.
    pub of: Option<(EntityId, Vec<FieldIx>)>,
}
