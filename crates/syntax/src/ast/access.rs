//! Who may do what.

use super::{At, Doc, Name, QName, RawExpr, TypeRef};

/// `viewer -> profiles`: the entity whose key is who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewerDecl {
    pub entity: QName,
}

/// `predicate works_for(s: startups) = exists s.members (user_id = viewer)`; a parameter is a row of an entity, or a value:
/// `predicate may(s: startups, what: permission) = …`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredicateDecl {
    pub name: Name,
    pub params: Vec<(Name, TypeRef)>,
    pub body: RawExpr,
}

/// `policy on events { rules }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyBlock {
    pub entity: QName,
    pub rules: Vec<PolicyRule>,
}

/// `name: allow|forbid actions [to roles] [when expr | unless expr] [check expr]` where actions are `all` or a list of
/// `select [(cols)]`, `insert [(cols)]`, `update [(cols)]`, `delete`. `when` filters rows (and new rows too, unless
/// `check` says otherwise). `allow` rules add up; each `forbid` rule narrows. A name can be a string.
///
/// With `using (expr)` and `with check (expr)` in place of `when` and `check` the rule is one policy, just as written:
/// its conditions are plain SQL, roles left out are everyone, and it grants nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRule {
    pub doc: Doc,
    pub name: Name,
    pub forbid: bool,
    pub actions: Vec<PolicyAction>,
    pub roles: Vec<Name>,
    pub when: Option<RawExpr>,
    /// `when` was written `unless`.
    pub unless: bool,
    pub check: Option<RawExpr>,
    /// `when` was written `using`, `check` was written `with check`.
    pub exact: bool,
    pub was: Option<Name>,
    pub at: At,
}

/// `update (title, description)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyAction {
    /// `select`, `insert`, `update`, `delete` or `all`.
    pub action: Name,
    pub columns: Vec<Name>,
}

/// `role reporting [login] [bypassrls] [noinherit] [createdb] [in authenticated, other]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleDecl {
    /// Exists already (`external role anon`).
    pub external: bool,
    pub name: Name,
    pub options: Vec<Name>,
    pub member_of: Vec<Name>,
    pub was: Option<Name>,
}

/// `grant select, update (a, b) on events to reporting [with grant option]`; objects: `events` (entity, view, sequence),
/// `schema s`, `function f(int)`, `type t`. `revoke` likewise with `from`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantDecl {
    pub revoke: bool,
    pub privileges: Vec<PolicyAction>,
    pub object: Target,
    pub roles: Vec<Name>,
    pub grant_option: bool,
}

/// What is granted on, or owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `schema`, `function`, `procedure`, `type`, `sequence` or none for a relation.
    pub kind: Option<Name>,
    pub name: QName,
    /// Of a function.
    pub arg_types: Option<Vec<TypeRef>>,
}

/// `owner reporting of events, function f(int)`: they belong to this role, and not to the one that applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerDecl {
    pub role: Name,
    pub objects: Vec<Target>,
}
