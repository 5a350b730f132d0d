//! What has to hold of access, whatever rules there are.

use super::{ExprRef, FieldIx, RuleAction};
use smol_str::SmolStr;
use specc_diag::Span;

/// A sentence about access to the rows of an entity. Nothing is made of it: `specc prove` decides whether it holds.
#[derive(Clone, Debug)]
pub struct Promise {
    /// The sentence.
    pub text: SmolStr,
    pub doc: Option<SmolStr>,
    pub lines: Vec<PromiseLine>,
    pub span: Span,
}

/// What is never done to rows, or always can be.
#[derive(Clone, Debug)]
pub struct PromiseLine {
    pub deny: bool,
    /// As those of a rule.
    pub actions: Vec<(RuleAction, Vec<FieldIx>)>,
    /// As written; none: for `deny` every role, for `allow` those of the platform's API.
    pub roles: Vec<SmolStr>,
    /// Asked of the row as it is; of a row that is inserted as it will be.
    pub when: Option<ExprRef>,
    /// It is about the rows for which `when` is not true.
    pub unless: bool,
    /// Asked of what an update makes of the row.
    pub becoming: Option<ExprRef>,
    pub span: Span,
}
