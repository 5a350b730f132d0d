//! What the program asks, and what that may cost.

use super::{At, Name, QName, RawExpr, StrLit, TypeRef};

/// `query name(params) as authenticated within 50 ms p95 { select … }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryDecl {
    pub name: Name,
    pub params: Vec<QueryParam>,
    /// The role that asks.
    pub role: Option<Name>,
    /// More claims: a JSON object.
    pub claims: Option<StrLit>,
    pub within: Option<Within>,
    /// `rows 1000`: read, at most.
    pub rows: Option<u64>,
    /// `buffers 500`: pages touched, at most.
    pub buffers: Option<u64>,
    /// `no seq scan on events`
    pub no_scan: Vec<QName>,
    /// `reads all of events`
    pub whole: Vec<QName>,
    pub body: RawExpr,
    /// What is said twice.
    pub twice: Vec<At>,
}

/// `who: uuid from profiles.id`, `state: event_status = 'published'`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryParam {
    pub name: Name,
    pub ty: TypeRef,
    /// The entity and column whose values it takes.
    pub from: Option<(QName, Name)>,
    /// A value that is usual.
    pub usual: Option<RawExpr>,
    pub at: At,
}

/// `within 50 ms p95`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Within {
    pub number: u64,
    /// `ms` or `s`.
    pub unit: Name,
    /// `p95`
    pub percentile: Option<Name>,
}
