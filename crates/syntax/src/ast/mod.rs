//! The syntax tree: what was written, with spans, and nothing resolved.
//!
//! Every struct shows its spelling; `grammar/dbspec.pest` is the truth. Expressions and SQL bodies are kept as text
//! with their span ([`RawExpr`], [`SqlBody`]): a later stage parses them as SQL. The tree is immutable; later passes
//! keep what they learn in tables of their own.
//!
//! Equality ignores spans ([`PartialEq`] on [`Name`], [`RawExpr`] … compares text only), so that a formatted file can be
//! compared with its original.

#![allow(missing_docs)] // a field is named as in the spelling that its struct shows

mod access;
mod base;
mod behaviour;
mod classes;
mod entity;
mod keys;
mod named;
mod platform;
mod promise;
mod query;
mod scenario;
mod size;

pub use access::*;
pub use base::*;
pub use behaviour::*;
pub use classes::*;
pub use entity::*;
pub use keys::*;
pub use named::*;
pub use platform::*;
pub use promise::*;
pub use query::*;
pub use scenario::*;
pub use size::*;

use specc_diag::Acceptance;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecFile {
    /// Which.
    pub file: FileIdEq,
    /// Items in the order written.
    pub items: Vec<Item>,
    /// Comments (`// …`, `/* … */`, not `///`) and `accept …` in the order written, for the formatter.
    pub comments: Vec<Comment>,
    /// `accept W0605 'why'`, after what it is about or on a line of its own above it.
    pub accepts: Vec<Acceptance>,
}

/// A top-level item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its documentation.
    pub doc: Doc,
    /// What it is.
    pub kind: ItemKind,
    /// From its first word to its end.
    pub at: At,
}

/// What can stand at the top level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemKind {
    Schema(SchemaDecl),
    Extension(ExtensionDecl),
    Enum(EnumDecl),
    Domain(Box<DomainDecl>),
    Composite(CompositeDecl),
    Sequence(Box<SequenceDecl>),
    Entity(Box<EntityDecl>),
    Mixin(MixinDecl),
    Viewer(ViewerDecl),
    Predicate(PredicateDecl),
    Policy(PolicyBlock),
    View(Box<ViewDecl>),
    Function(Box<FunctionDecl>),
    Trigger(Box<TriggerDecl>),
    Role(RoleDecl),
    /// `external type geometry`, `external type extensions.citext`: exists already, with whatever arguments
    ExternalType(QName),
    Grant(Box<GrantDecl>),
    Owner(OwnerDecl),
    Bucket(BucketDecl),
    Realtime(RealtimeDecl),
    Schedule(ScheduleDecl),
    Webhook(Box<WebhookDecl>),
    Seed(SeedDecl),
    Sql(Box<SqlDecl>),
    Promise(Box<PromiseDecl>),
    Scenario(Box<ScenarioDecl>),
    Query(Box<QueryDecl>),
    Size(SizeDecl),
    Person(Box<PersonDecl>),
}
