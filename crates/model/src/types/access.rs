//! Who may do what.

use super::{CompositeId, DomainId, EntityId, EnumId, ExprRef, FieldIx, Meta, Type};
use smol_str::SmolStr;
use specc_diag::Span;

/// An access rule.
#[derive(Clone, Debug)]
pub struct Rule {
    pub name: SmolStr,
    pub doc: Option<SmolStr>,
    pub forbid: bool,
    /// `select`, `insert`, `update`, `delete` in this order with their columns; all four for `all`.
    pub actions: Vec<(RuleAction, Vec<FieldIx>)>,
    /// Where the columns are written.
    pub columns_at: Vec<(RuleAction, FieldIx, Span)>,
    /// It was written `all`.
    pub all: bool,
    /// As written; empty: everyone who reaches the API.
    pub roles: Vec<SmolStr>,
    pub when: Option<ExprRef>,
    /// `when` was written `unless` (a forbid rule that lets pass what satisfies it).
    pub unless: bool,
    pub check: Option<ExprRef>,
    /// Written with `using` and `with check`: one policy, just like that.
    pub exact: bool,
    pub was: Option<SmolStr>,
    /// Its name.
    pub span: Span,
    /// All of it.
    pub written: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleAction {
    Select,
    Insert,
    Update,
    Delete,
}

impl RuleAction {
    /// The action as SQL writes it.
    pub fn word(self) -> &'static str {
        match self {
            RuleAction::Select => "select",
            RuleAction::Insert => "insert",
            RuleAction::Update => "update",
            RuleAction::Delete => "delete",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Predicate {
    pub meta: Meta,
    pub name: SmolStr,
    pub params: Vec<PredicateParam>,
    pub body: ExprRef,
}

#[derive(Clone, Debug)]
pub struct PredicateParam {
    pub name: SmolStr,
    pub kind: ParamKind,
}

/// What a predicate takes.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamKind {
    /// A row.
    Row(EntityId),
    /// A value of this type.
    Value(Type),
}

/// Something declared, by what it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Object {
    Schema(SmolStr),
    Extension(SmolStr),
    Enum(EnumId),
    Domain(DomainId),
    Composite(CompositeId),
    Sequence(usize),
    /// The sequence that an identity column makes.
    Identity(EntityId, FieldIx),
    Entity(EntityId),
    View(usize),
    Function(usize),
    Sql(usize),
    /// A function of the helper schema that says who is asking: `viewer_id`, `claims`, `viewer_role`.
    Session(SmolStr),
}

#[derive(Clone, Debug)]
pub struct Role {
    pub meta: Meta,
    pub name: SmolStr,
    pub external: bool,
    pub options: Vec<SmolStr>,
    pub member_of: Vec<SmolStr>,
}

/// Something that belongs to another role than the one that applies.
#[derive(Clone, Debug)]
pub struct Ownership {
    pub role: SmolStr,
    pub of: Owned,
    pub span: Span,
}

/// What can be owned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owned {
    Object(Object),
    /// A partition of an entity, by its place.
    Partition(EntityId, usize),
}

#[derive(Clone, Debug)]
pub struct Grant {
    pub revoke: bool,
    /// Privilege and columns.
    pub privileges: Vec<(SmolStr, Vec<SmolStr>)>,
    pub object: Object,
    pub roles: Vec<SmolStr>,
    pub grant_option: bool,
    pub span: Span,
}
