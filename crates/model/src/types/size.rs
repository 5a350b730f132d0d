//! How much there will be.

use super::{EntityId, ExprRef, FieldIx, RelationId};
use smol_str::SmolStr;
use specc_diag::Span;

/// What is said of the rows of an entity, for one environment or all.
#[derive(Clone, Debug)]
pub struct Size {
    /// None: every environment for which nothing else is said.
    pub env: Option<SmolStr>,
    pub entity: EntityId,
    pub count: Count,
    pub columns: Vec<SizedColumn>,
    pub span: Span,
}

/// How many rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Count {
    Rows(u64),
    /// So many for each row that a relation of the entity leads to.
    Per {
        each: f64,
        relation: RelationId,
        skew: Skew,
    },
}

/// How often each of several values comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Skew {
    /// All alike.
    Uniform,
    /// The value of rank `k` as often as `1 / k` to this power says.
    Zipf(f64),
}

/// What is said of the values of a column.
#[derive(Clone, Debug)]
pub struct SizedColumn {
    pub field: FieldIx,
    pub distinct: Option<u64>,
    /// A part of all rows, from 0 to 1.
    pub nulls: Option<f64>,
    /// Bytes, on average.
    pub width: Option<u32>,
    /// From -1 to 1.
    pub correlation: Option<f64>,
    pub between: Option<(ExprRef, ExprRef)>,
    pub skew: Option<Skew>,
    /// Values, as texts that Postgres reads, and their parts of all rows.
    pub shares: Vec<(SmolStr, f64)>,
    pub span: Span,
}
