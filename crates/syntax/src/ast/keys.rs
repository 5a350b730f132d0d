//! Keys, constraints, indexes, search and partitions.

use super::{At, Doc, Name, QName, RawExpr, Setting};
use smol_str::SmolStr;

/// `key (a, b)` or `key events_pkey: (a, b)`; may end in `include (c)`, `deferrable [initially deferred]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDecl {
    pub name: Option<Name>,
    pub columns: Vec<Name>,
    pub include: Vec<Name>,
    pub deferrable: bool,
    pub initially_deferred: bool,
}

/// `unique [name:] (a, b)` with `nulls not distinct`, `include (c)`, `deferrable [initially deferred]`: a constraint.
/// With `where expr` or with an expression among the elements: a unique index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UniqueDecl {
    pub name: Option<Name>,
    pub elements: Vec<IndexElement>,
    pub include: Vec<Name>,
    pub filter: Option<RawExpr>,
    pub nulls_not_distinct: bool,
    pub deferrable: bool,
    pub initially_deferred: bool,
}

/// `check [name:] expr`, may end in `no inherit` or `not valid`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckDecl {
    pub name: Option<Name>,
    pub expr: RawExpr,
    pub no_inherit: bool,
    pub not_valid: bool,
    pub at: At,
}

/// `exclude [name:] using gist (room_id with =, during with &&) where expr`, may end in `deferrable [initially deferred]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExcludeDecl {
    pub name: Option<Name>,
    pub method: Option<Name>,
    /// Element and operator.
    pub elements: Vec<(IndexElement, SmolStr)>,
    pub filter: Option<RawExpr>,
    pub deferrable: bool,
    pub initially_deferred: bool,
}

/// `[unique] index [name:] (elements) using gin include (a) with (fastupdate = off) nulls not distinct where expr was old`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexDecl {
    /// Of an index of a view; in an entity the member has it.
    pub doc: Doc,
    pub name: Option<Name>,
    pub unique: bool,
    pub elements: Vec<IndexElement>,
    pub method: Option<Name>,
    pub include: Vec<Name>,
    pub filter: Option<RawExpr>,
    pub with: Vec<Setting>,
    pub nulls_not_distinct: bool,
    pub was: Option<Name>,
}

/// `starts_at desc nulls last`, `lower(email)`, `(a + b)`, `embedding vector_cosine_ops`, `title collate "C"`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexElement {
    /// A column name or any expression (an expression that is not a call stands in parentheses, kept without them).
    pub expr: RawExpr,
    /// The expression is just a name.
    pub is_column: bool,
    pub collate: Option<QName>,
    pub opclass: Option<QName>,
    pub desc: bool,
    pub nulls_first: Option<bool>,
    pub at: At,
}

/// `search [column:] (title A, description B) using english`: a generated `tsvector` column (named `search` unless
/// given) and its GIN index. Weights A to D are optional.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchDecl {
    pub column: Option<Name>,
    pub fields: Vec<(Name, Option<Name>)>,
    pub config: Option<Name>,
}

/// `partition by range (created_at) [every month …]`; methods range, list, hash; elements are columns or expressions
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionByDecl {
    pub method: Name,
    pub elements: Vec<IndexElement>,
    /// Whether partitions are made by the calendar.
    pub rolls: Option<RollsDecl>,
}

/// `distribute by tenant_id [with tenants]`, `distribute as reference`: where rows are, over several servers
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributeDecl {
    /// By this column, and where the rows of another entity are.
    pub by: Option<(Name, Option<QName>)>,
    /// `reference`: on every server; `local`: on the one that is asked.
    pub kind: Option<Name>,
    pub at: At,
}

/// `every month keep 24 months then archive in cold ahead 3`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollsDecl {
    pub every: Name,
    /// For how long partitions stay.
    pub keep: Option<(u32, Name)>,
    /// What becomes of older ones, and the schema that they go to.
    pub then: Option<(Name, Option<Name>)>,
    /// How many are made before they are needed.
    pub ahead: Option<u32>,
    pub at: At,
}

/// `partition events_2026 from ('2026-01-01') to ('2027-01-01')`, `partition eu in ('de', 'fr')`,
/// `partition p0 modulus 4 remainder 0`, `partition rest default`; may end in `rls off|on|force` and
/// `with (fillfactor = 70)` where the partition is not as the entity says
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionDecl {
    pub name: QName,
    pub bounds: PartitionBounds,
    pub rls: Option<Name>,
    pub with: Vec<Setting>,
}

/// See [`PartitionDecl`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionBounds {
    Range { from: Vec<RawExpr>, to: Vec<RawExpr> },
    List(Vec<RawExpr>),
    Hash { modulus: u32, remainder: u32 },
    Default,
}
