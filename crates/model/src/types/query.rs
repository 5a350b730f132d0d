//! What the program asks, and what that may cost.

use super::{EntityId, ExprRef, FieldIx, Meta, Object, Type};
use smol_str::SmolStr;

/// A declared query.
#[derive(Clone, Debug)]
pub struct Query {
    pub meta: Meta,
    pub name: SmolStr,
    pub params: Vec<QueryParam>,
    /// The role that asks.
    pub role: SmolStr,
    /// More claims: a JSON object.
    pub claims: Option<SmolStr>,
    pub within: Option<Within>,
    /// Rows read, at most.
    pub rows: Option<u64>,
    /// Pages touched, at most.
    pub buffers: Option<u64>,
    /// Entities that are not read whole.
    pub no_scan: Vec<EntityId>,
    /// Entities that may be read whole.
    pub whole: Vec<EntityId>,
    /// As written.
    pub text: SmolStr,
    /// The text with `$1`, `$2` … where it names parameters.
    pub statement: SmolStr,
    /// Everything it names that the spec declares.
    pub depends: Vec<Object>,
    /// Names and, where known, types of the columns that it gives.
    pub output: Vec<(SmolStr, Type)>,
}

#[derive(Clone, Debug)]
pub struct QueryParam {
    pub name: SmolStr,
    pub ty: Type,
    /// It may be null.
    pub nullable: bool,
    /// The column whose values it takes.
    pub from: Option<(EntityId, FieldIx)>,
    /// A value that is usual.
    pub usual: Option<ExprRef>,
}

/// A time that so many of all requests are done in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within {
    pub milliseconds: u64,
    /// `95`
    pub percentile: u8,
}
