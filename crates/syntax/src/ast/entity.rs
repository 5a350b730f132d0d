//! Entities and mixins: fields and references.

use super::{
    Amount, At, CheckDecl, DataClass, DistributeDecl, Doc, ExcludeDecl, IndexDecl, KeyDecl, LimitDecl, Name,
    PartitionByDecl, PartitionDecl, PolicyRule, PromiseDecl, QName, RawExpr, RetainDecl, SearchDecl, Setting,
    TriggerDecl, TypeRef, UniqueDecl, WorkflowDecl,
};
use smol_str::SmolStr;

/// `[external] [unlogged] entity billing.events [was gatherings] [from (query)] { members }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityDecl {
    pub name: QName,
    pub was: Option<QName>,
    /// Where the rows come from when it is new: queries, each in its brackets.
    pub from: Vec<RawExpr>,
    /// Exists already (`auth.users`): known, referable, seedable, never created.
    pub external: bool,
    pub unlogged: bool,
    pub members: Vec<Member>,
}

/// `mixin tenant(column, parent = startups) { members }`; members use `$column`, `$parent`, and always `$entity`
/// (the entity's name), `$schema` and `$key` (the name of its key column).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MixinDecl {
    pub name: Name,
    pub params: Vec<MixinParam>,
    pub members: Vec<Member>,
}

/// A parameter and its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MixinParam {
    /// Without the `$`.
    pub name: Name,
    pub default: Option<RawExpr>,
}

/// A line or block in an entity or mixin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub doc: Doc,
    pub kind: MemberKind,
    pub at: At,
}

/// What can stand in an entity or mixin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberKind {
    Field(Box<FieldDecl>),
    Ref(Box<RefDecl>),
    CompositeRef(Box<CompositeRefDecl>),
    Use(UseDecl),
    Key(Box<KeyDecl>),
    Unique(Box<UniqueDecl>),
    Check(Box<CheckDecl>),
    Exclude(Box<ExcludeDecl>),
    Index(Box<IndexDecl>),
    Search(Box<SearchDecl>),
    PartitionBy(Box<PartitionByDecl>),
    Partition(Box<PartitionDecl>),
    Workflow(Box<WorkflowDecl>),
    Limit(Box<LimitDecl>),
    Trigger(Box<TriggerDecl>),
    /// `policy { rules }`
    Policy(Vec<PolicyRule>),
    /// `promise 'what holds' { lines }`
    Promise(Box<PromiseDecl>),
    /// `rls off`, `rls force` or `rls on`
    Rls(Name),
    /// `with (fillfactor = 70)`
    With(Vec<Setting>),
    /// `depends on sql plain_search`: kind, if written, and name
    Depends(Vec<(Option<Name>, QName)>),
    /// `inherits animals, things`
    Inherits(Vec<QName>),
    /// `retain 2 years from created_at`
    Retain(Box<RetainDecl>),
    /// `distribute by tenant_id`
    Distribute(Box<DistributeDecl>),
    /// `replica identity full`, `replica identity using index x`
    ReplicaIdentity(ReplicaIdentity),
}

/// How a replica finds the row that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplicaIdentity {
    /// The word after `identity`
    Word(Name),
    /// `using index x`
    Index(Name),
}

/// `name: type modifiers`. Modifiers in any order after the type: `key`, `unique`, `immutable`, `pii`, `secret`, `= value`,
/// `generated [virtual] (expr)`, `identity [always | by default] [(start 10 increment 2)]`, `collate "C"`, `was old`,
/// `deprecated ['why']`, `backfill (expr)`, `using (expr)`, `storage external`, `compression lz4`, `statistics (target 500)`, `shape { key: type }`, `not null name`
/// is not needed. In `= value` the value is a SQL expression up to the next modifier word or the line's end, or `count(path [where
/// expr])` or `sum(path.field [where expr])`.
///
/// What few fields have is boxed: fields are most of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDecl {
    pub name: Name,
    pub ty: TypeRef,
    pub value: Option<FieldValue>,
    pub key: bool,
    pub unique: bool,
    /// A trigger refuses a change of the value.
    pub immutable: bool,
    pub class: Option<DataClass>,
    pub generated: Option<Box<RawExpr>>,
    /// The generated value is computed when it is read, and not kept.
    pub is_virtual: bool,
    pub identity: Option<Box<Identity>>,
    pub collate: Option<Box<QName>>,
    pub was: Option<Box<Name>>,
    pub deprecated: Option<SmolStr>,
    pub backfill: Option<Box<RawExpr>>,
    /// What a value becomes in the type that the field gets.
    pub using: Option<Box<RawExpr>>,
    pub storage: Option<Box<Name>>,
    pub compression: Option<Box<Name>>,
    pub statistics: Option<Box<StatisticsDecl>>,
    /// What a value of JSON has.
    pub shape: Option<Box<ShapeDecl>>,
}

/// `statistics (target 500, n_distinct -0.5, n_distinct_inherited 7)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatisticsDecl {
    pub target: Option<Amount>,
    pub distinct: Option<Amount>,
    pub inherited: Option<Amount>,
}

/// `shape { theme: text, size: int?, tags: text[], home: { city: text } }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeDecl {
    pub keys: Vec<ShapeKey>,
    pub at: At,
}

/// A key of an object: it may be missing where it is nullable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeKey {
    pub name: Name,
    pub value: ShapeValue,
    pub at: At,
}

/// What a key has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShapeValue {
    Type(TypeRef),
    Object { keys: Vec<ShapeKey>, dims: u8, nullable: bool },
}

/// What follows `=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// A default.
    Default(RawExpr),
    /// `count(registrations where status = 'confirmed')`, `sum(lines.amount)`: kept true by triggers.
    Maintained(Box<Maintained>),
}

/// See [`FieldValue::Maintained`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintained {
    /// `count` or `sum`.
    pub function: Name,
    /// The inverse relation that is counted.
    pub path: Name,
    /// The field that is summed.
    pub field: Option<Name>,
    /// `including deleted`.
    pub including_deleted: bool,
    pub filter: Option<RawExpr>,
    pub at: At,
}

/// See [`FieldDecl`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `always` (the default) or `by default`.
    pub always: bool,
    pub options: Vec<Setting>,
}

/// `organizer_id -> profiles? (handle) modifiers`: a column whose type follows the target. Target column only where it
/// is not the key. `?` makes it nullable. Modifiers in any order: `on delete A`, `on update A` (`A`: `cascade`,
/// `restrict`, `no action`, `set null [(cols)]`, `set default [(cols)]`), `deferrable [initially deferred]`,
/// `match full`, `as path`, `inverse name`, `no index`, `not valid`, `key`, `unique`, `immutable`, `constraint name`,
/// `= default expr`, `was old`, `deprecated ['why']`, `backfill (expr)`, `using (expr)`. The path is the column without `_id` unless `as` says otherwise; the inverse
/// is the declaring entity's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefDecl {
    pub column: Name,
    pub target: QName,
    pub target_column: Option<Name>,
    pub nullable: bool,
    pub key: bool,
    pub unique: bool,
    pub immutable: bool,
    pub default: Option<RawExpr>,
    pub was: Option<Name>,
    pub deprecated: Option<SmolStr>,
    pub backfill: Option<RawExpr>,
    /// See [`FieldDecl::using`].
    pub using: Option<RawExpr>,
    pub options: RefOptions,
}

/// `reference (tenant_id, project_id) -> projects (tenant_id, id) modifiers` over columns declared as fields
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompositeRefDecl {
    pub columns: Vec<Name>,
    pub target: QName,
    /// Empty: the target's key.
    pub target_columns: Vec<Name>,
    pub options: RefOptions,
}

/// What both kinds of reference can say.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RefOptions {
    pub path: Option<Name>,
    pub inverse: Option<Name>,
    pub constraint: Option<Name>,
    pub on_delete: Option<RefAction>,
    pub on_update: Option<RefAction>,
    pub deferrable: bool,
    pub initially_deferred: bool,
    pub match_full: bool,
    pub no_index: bool,
    pub not_valid: bool,
}

/// `cascade`, `set null (a, b)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefAction {
    pub kind: RefActionKind,
    pub columns: Vec<Name>,
    pub at: At,
}

/// What happens to the referencing row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefActionKind {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

/// `use timestamps, tenant(startup_id, startups)`: one `UseDecl` for each mixin named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseDecl {
    pub mixins: Vec<UseMixin>,
}

/// A mixin and its arguments; an argument is `name = value` or a value by position. Values are raw text (a name, a
/// string, an expression).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseMixin {
    pub name: Name,
    pub args: Vec<(Option<Name>, RawExpr)>,
    pub at: At,
}
