//! What has to hold of access.

use super::{At, Name, PolicyAction, QName, RawExpr};

/// `promise 'what holds' on events { lines }`; in an entity or a mixin without `on`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromiseDecl {
    /// The sentence.
    pub text: Name,
    /// In an entity none.
    pub entity: Option<QName>,
    pub lines: Vec<PromiseLine>,
}

/// `allow|deny actions [to roles] [when expr | unless expr] [becoming expr]`: what is never done, or always can be, to the
/// rows for which the condition holds. `becoming` is about the row that an update makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromiseLine {
    pub deny: bool,
    pub actions: Vec<PolicyAction>,
    pub roles: Vec<Name>,
    pub when: Option<RawExpr>,
    /// `when` was written `unless`.
    pub unless: bool,
    pub becoming: Option<RawExpr>,
    pub at: At,
}
