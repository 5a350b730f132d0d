//! The model: what a spec means. Names are resolved to ids, mixins are expanded into the entities that use them,
//! expressions are parsed and typed. Nothing here is generated yet: no helper function, no trigger, no grant.

#![allow(missing_docs)] // a field is named as in the construct's spelling, see `specc_syntax::ast`

use smol_str::SmolStr;
use specc_diag::Span;
use specc_syntax::ast;
use std::sync::Arc;

/// What the SQL is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The Supabase platform: `auth`, `storage`, `realtime`, API roles.
    Supabase,
    /// A plain server.
    Postgres,
}

/// Settings of the project that change what a spec means.
#[derive(Clone, Debug)]
pub struct Options {
    pub target: Target,
    /// Where unqualified names go: `public`.
    pub default_schema: SmolStr,
    /// Where generated helpers go: `private`. Not exposed by any API.
    pub helper_schema: SmolStr,
    /// On a plain server, the setting that holds the viewer's key: `app.viewer_id`.
    pub viewer_setting: SmolStr,
    /// On a plain server, the setting that holds the claims as JSON: `request.jwt.claims`.
    pub claims_setting: SmolStr,
    /// Whether what a spec says brings what usually goes with it: an index for a reference, grants for rules, an empty
    /// search path for a `security definer`. Off, all there is stands in the files.
    pub derive: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            target: Target::Supabase,
            default_schema: "public".into(),
            helper_schema: "private".into(),
            viewer_setting: "app.viewer_id".into(),
            claims_setting: "request.jwt.claims".into(),
            derive: true,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityId(pub u32);
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnumId(pub u32);
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainId(pub u32);
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CompositeId(pub u32);
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelationId(pub u32);
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PredicateId(pub u32);

/// A field's place in its entity.
pub type FieldIx = usize;

/// A schema-qualified name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Qualified {
    pub schema: SmolStr,
    pub name: SmolStr,
}

/// A type with its modifiers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    pub base: Base,
    pub args: Vec<i64>,
    /// How many `[]`.
    pub dims: u8,
}

/// What a type is before modifiers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Base {
    /// Postgres's short name: `int`, `bigint`, `text`, `timestamptz`, `jsonb`, `numeric`, `double precision` …
    Builtin(SmolStr),
    Enum(EnumId),
    Domain(DomainId),
    Composite(CompositeId),
    /// A row of an entity.
    Row(EntityId),
    /// From an extension (`vector`, `citext`, `geography`) or a `sql` block; the schema may be empty.
    Named(Qualified),
    /// A literal `'…'` or null that takes any type, or an expression whose type cannot be known here.
    Unknown,
}

/// A typed expression of the spec: `viewer`, claims, paths and `exists path (…)` are still in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Parsed; identifiers are as written, see [`crate::scope`] for what they mean.
    pub ast: Arc<sqlparser::ast::Expr>,
    pub ty: Type,
    /// As written.
    pub text: SmolStr,
    pub span: Span,
}

/// Expressions are shared: five thousand entities have one `now()`.
pub type ExprRef = Arc<Expr>;

/// What all named things have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meta {
    /// `///` text.
    pub doc: Option<SmolStr>,
    /// The file stem of the file that declares it: groups docs and output. `std` and `platform` for what we ship.
    pub area: SmolStr,
    /// The declaration (its name).
    pub span: Span,
    pub was: Option<SmolStr>,
}

/// What a spec means.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub options: Options,
    pub schemas: Vec<Schema>,
    pub extensions: Vec<Extension>,
    pub enums: Vec<Enum>,
    pub domains: Vec<Domain>,
    pub composites: Vec<Composite>,
    pub sequences: Vec<Sequence>,
    pub entities: Vec<Entity>,
    pub relations: Vec<Relation>,
    pub predicates: Vec<Predicate>,
    /// The entity whose key is who is asking.
    pub viewer: Option<EntityId>,
    pub views: Vec<View>,
    pub functions: Vec<Function>,
    pub roles: Vec<Role>,
    pub grants: Vec<Grant>,
    pub buckets: Vec<Bucket>,
    pub realtime: Vec<RealtimeTable>,
    pub schedules: Vec<Schedule>,
    pub webhooks: Vec<Webhook>,
    /// In the order written; rows of one environment from several blocks are one set. `base` first.
    pub seeds: Vec<SeedSet>,
    pub sql_blocks: Vec<SqlBlock>,
    /// Name tables, built by `analyze`.
    pub index: crate::index::Index,
}

#[derive(Clone, Debug)]
pub struct Schema {
    pub meta: Meta,
    pub name: SmolStr,
    /// Exists already.
    pub external: bool,
}

#[derive(Clone, Debug)]
pub struct Extension {
    pub meta: Meta,
    pub name: SmolStr,
    pub schema: Option<SmolStr>,
    pub version: Option<SmolStr>,
}

#[derive(Clone, Debug)]
pub struct Enum {
    pub meta: Meta,
    pub name: Qualified,
    pub labels: Vec<EnumLabel>,
}

#[derive(Clone, Debug)]
pub struct EnumLabel {
    pub name: SmolStr,
    pub doc: Option<SmolStr>,
    pub was: Option<SmolStr>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Domain {
    pub meta: Meta,
    pub name: Qualified,
    pub base: Type,
    pub nullable: bool,
    pub collation: Option<Qualified>,
    pub default: Option<ExprRef>,
    pub checks: Vec<Check>,
}

#[derive(Clone, Debug)]
pub struct Composite {
    pub meta: Meta,
    pub name: Qualified,
    /// Name, type, collation.
    pub fields: Vec<(SmolStr, Type, Option<Qualified>)>,
}

#[derive(Clone, Debug)]
pub struct Sequence {
    pub meta: Meta,
    pub name: Qualified,
    pub ty: Option<Type>,
    pub options: Vec<ast::Setting>,
    pub owned_by: Option<(EntityId, FieldIx)>,
}

#[derive(Clone, Debug)]
pub struct Entity {
    pub id: EntityId,
    pub meta: Meta,
    pub name: Qualified,
    pub external: bool,
    pub unlogged: bool,
    pub rls: Rls,
    pub options: Vec<ast::Setting>,
    pub replica_identity: Option<SmolStr>,
    /// Whose columns it has too; they come first among `fields`.
    pub inherits: Vec<EntityId>,
    /// What it needs besides what it names.
    pub depends: Vec<Object>,
    pub fields: Vec<Field>,
    pub key: Option<Key>,
    pub uniques: Vec<Unique>,
    pub checks: Vec<Check>,
    pub excludes: Vec<Exclude>,
    pub indexes: Vec<Index>,
    pub searches: Vec<Search>,
    pub partition_by: Option<PartitionBy>,
    pub partitions: Vec<Partition>,
    pub workflows: Vec<Workflow>,
    pub limits: Vec<Limit>,
    pub triggers: Vec<Trigger>,
    /// From `policy on` blocks, the entity's own, and its mixins'.
    pub rules: Vec<Rule>,
    /// Relations declared here, and relations that point here.
    pub outgoing: Vec<RelationId>,
    pub incoming: Vec<RelationId>,
    /// Names of the mixins used, for the docs.
    pub mixins: Vec<SmolStr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rls {
    Off,
    On,
    Forced,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub meta: Meta,
    pub name: SmolStr,
    pub ty: Type,
    pub nullable: bool,
    pub default: Option<ExprRef>,
    pub generated: Option<ExprRef>,
    /// Computed when it is read.
    pub is_virtual: bool,
    /// Whether `always`, and its numbers.
    pub identity: Option<Box<(bool, Vec<ast::Setting>)>>,
    pub collation: Option<Box<Qualified>>,
    pub maintained: Option<Box<Maintained>>,
    pub immutable: bool,
    pub deprecated: Option<SmolStr>,
    pub backfill: Option<ExprRef>,
    pub storage: Option<Box<SmolStr>>,
    pub compression: Option<Box<SmolStr>>,
    /// The column comes from a parent that the entity inherits from.
    pub inherited: bool,
    /// The one-column reference that this field is.
    pub relation: Option<RelationId>,
    /// The mixin that brought it.
    pub mixin: Option<SmolStr>,
}

#[derive(Clone, Debug)]
pub struct Maintained {
    pub function: MaintainedFunction,
    /// The relation counted, from its other side: `relation.from` has the counted rows.
    pub relation: RelationId,
    pub field: Option<FieldIx>,
    /// Over the counted entity.
    pub filter: Option<ExprRef>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaintainedFunction {
    Count,
    Sum,
}

/// A foreign key, seen from the side that has it.
#[derive(Clone, Debug)]
pub struct Relation {
    pub id: RelationId,
    pub from: EntityId,
    pub fields: Vec<FieldIx>,
    pub to: EntityId,
    pub to_fields: Vec<FieldIx>,
    /// `event`: the way to `to`, exactly one row, or none where a field is nullable.
    pub path: SmolStr,
    /// `registrations`: the way back.
    pub inverse: SmolStr,
    /// The way back leads to at most one row (the fields are a key or unique).
    pub inverse_one: bool,
    pub nullable: bool,
    /// Constraint name, as given or by convention.
    pub constraint: SmolStr,
    pub options: ast::RefOptions,
    /// Of a reference over several columns: that of one column is the column's.
    pub doc: Option<SmolStr>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Key {
    /// As given or by convention (`events_pkey`).
    pub name: SmolStr,
    pub doc: Option<SmolStr>,
    pub fields: Vec<FieldIx>,
    pub include: Vec<FieldIx>,
    pub deferrable: bool,
    pub initially_deferred: bool,
    pub span: Span,
}

/// A unique constraint over columns, or with `filter` or an expression a unique index.
#[derive(Clone, Debug)]
pub struct Unique {
    pub name: SmolStr,
    pub doc: Option<SmolStr>,
    pub elements: Vec<Element>,
    pub include: Vec<FieldIx>,
    pub filter: Option<ExprRef>,
    pub nulls_not_distinct: bool,
    pub deferrable: bool,
    pub initially_deferred: bool,
    pub span: Span,
}

impl Unique {
    /// It cannot be a constraint.
    pub fn is_index(&self) -> bool {
        self.filter.is_some() || self.elements.iter().any(|e| matches!(e.on, On::Expr(_)) || e.is_special())
    }
}

/// An element of an index, unique, exclusion or partition key.
#[derive(Clone, Debug)]
pub struct Element {
    pub on: On,
    pub collation: Option<Qualified>,
    pub opclass: Option<Qualified>,
    pub desc: bool,
    pub nulls_first: Option<bool>,
    pub span: Span,
}

impl Element {
    /// Has something that only an index can have.
    pub fn is_special(&self) -> bool {
        self.collation.is_some() || self.opclass.is_some() || self.desc || self.nulls_first.is_some()
    }
}

#[derive(Clone, Debug)]
pub enum On {
    Field(FieldIx),
    Expr(ExprRef),
}

#[derive(Clone, Debug)]
pub struct Check {
    pub name: SmolStr,
    pub doc: Option<SmolStr>,
    pub expr: ExprRef,
    pub no_inherit: bool,
    pub not_valid: bool,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Exclude {
    pub name: SmolStr,
    pub doc: Option<SmolStr>,
    pub method: SmolStr,
    pub elements: Vec<(Element, SmolStr)>,
    pub filter: Option<ExprRef>,
    pub deferrable: bool,
    pub initially_deferred: bool,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Index {
    pub meta: Meta,
    pub name: SmolStr,
    pub unique: bool,
    pub method: SmolStr,
    pub elements: Vec<Element>,
    pub include: Vec<FieldIx>,
    pub filter: Option<ExprRef>,
    pub options: Vec<ast::Setting>,
    pub nulls_not_distinct: bool,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Search {
    /// The generated column (also among the entity's fields, with `generated` set by the model).
    pub field: FieldIx,
    /// Field and weight `A` to `D`.
    pub fields: Vec<(FieldIx, Option<char>)>,
    pub config: SmolStr,
    /// Of its GIN index.
    pub index_name: SmolStr,
}

#[derive(Clone, Debug)]
pub struct PartitionBy {
    pub method: SmolStr,
    pub elements: Vec<Element>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Partition {
    pub name: Qualified,
    pub doc: Option<SmolStr>,
    pub bounds: Bounds,
    /// Where it is not as the entity's.
    pub rls: Option<Rls>,
    /// Instead of the entity's, where there are any.
    pub options: Vec<ast::Setting>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Bounds {
    Range { from: Vec<ExprRef>, to: Vec<ExprRef> },
    List(Vec<ExprRef>),
    Hash { modulus: u32, remainder: u32 },
    Default,
}

#[derive(Clone, Debug)]
pub struct Workflow {
    pub field: FieldIx,
    /// All states in the order of the enum, or of first mention for text.
    pub states: Vec<SmolStr>,
    /// Empty: any.
    pub initial: Vec<SmolStr>,
    pub steps: Vec<Step>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub from: SmolStr,
    pub to: SmolStr,
    /// Over the new row.
    pub when: Option<ExprRef>,
    pub doc: Option<SmolStr>,
}

#[derive(Clone, Debug)]
pub struct Limit {
    pub name: SmolStr,
    pub doc: Option<SmolStr>,
    pub condition: ExprRef,
    pub per: Vec<FieldIx>,
    /// A number, or a path over a relation whose fields are among `per` (`event.capacity`).
    pub to: ExprRef,
    /// Empty: one more row is refused.
    pub overflow: Vec<(FieldIx, ExprRef)>,
    /// Empty: never promoted.
    pub promote_by: Vec<Element>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Trigger {
    pub meta: Meta,
    pub name: SmolStr,
    pub timing: ast::TriggerTiming,
    /// `insert`, `update`, `delete`, `truncate` in this order, with the columns of `update of`.
    pub events: Vec<(SmolStr, Vec<SmolStr>)>,
    pub per_row: bool,
    pub old_table: Option<SmolStr>,
    pub new_table: Option<SmolStr>,
    /// Plain SQL over `old` and `new`.
    pub when: Option<ExprRef>,
    pub action: TriggerAction,
    pub constraint: bool,
    pub initially_deferred: bool,
    /// `disabled`, `always`, `replica`.
    pub enabled: Option<SmolStr>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum TriggerAction {
    /// A function and literal arguments (mixin parameters already filled in).
    Execute { function: Qualified, args: Vec<SmolStr> },
    /// A plpgsql block for a function of the trigger's own.
    Body(SmolStr),
}

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
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleAction {
    Select,
    Insert,
    Update,
    Delete,
}

#[derive(Clone, Debug)]
pub struct Predicate {
    pub meta: Meta,
    pub name: SmolStr,
    pub params: Vec<(SmolStr, EntityId)>,
    pub body: ExprRef,
}

#[derive(Clone, Debug)]
pub struct View {
    pub meta: Meta,
    pub name: Qualified,
    pub materialized: bool,
    pub columns: Vec<SmolStr>,
    pub security_definer: bool,
    pub security_barrier: bool,
    pub check_option: Option<SmolStr>,
    pub no_data: bool,
    /// A cron expression.
    pub refresh: Option<SmolStr>,
    pub roles: Vec<SmolStr>,
    pub query: SmolStr,
    /// Everything the query or `depends on` names that the spec declares.
    pub depends: Vec<Object>,
    /// Names and, where known, types of the columns.
    pub output: Vec<(SmolStr, Type)>,
    pub indexes: Vec<Index>,
    /// `instead of` triggers and statement triggers; their conditions are not typed.
    pub triggers: Vec<Trigger>,
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
    Entity(EntityId),
    View(usize),
    Function(usize),
    Sql(usize),
}

#[derive(Clone, Debug)]
pub struct Function {
    pub meta: Meta,
    pub name: Qualified,
    pub procedure: bool,
    pub params: Vec<Param>,
    pub returns: Option<Returns>,
    pub language: SmolStr,
    pub volatility: Option<SmolStr>,
    pub strict: bool,
    pub parallel: Option<SmolStr>,
    pub leakproof: bool,
    pub security_definer: bool,
    pub cost: Option<SmolStr>,
    pub rows: Option<SmolStr>,
    pub settings: Vec<ast::Setting>,
    /// May call it; empty: the owner only.
    pub roles: Vec<SmolStr>,
    /// Its statements are read when it is made.
    pub atomic: bool,
    pub body: SmolStr,
    pub depends: Vec<Object>,
}

#[derive(Clone, Debug)]
pub struct Param {
    /// `in`, `out`, `inout`, `variadic`.
    pub mode: SmolStr,
    pub name: SmolStr,
    pub ty: Type,
    pub default: Option<ExprRef>,
}

#[derive(Clone, Debug)]
pub enum Returns {
    Type(Type),
    SetOf(Type),
    Table(Vec<(SmolStr, Type)>),
    /// `void`, `trigger` are types of their own kind.
    Pseudo(SmolStr),
}

#[derive(Clone, Debug)]
pub struct Role {
    pub meta: Meta,
    pub name: SmolStr,
    pub external: bool,
    pub options: Vec<SmolStr>,
    pub member_of: Vec<SmolStr>,
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

#[derive(Clone, Debug)]
pub struct Bucket {
    pub meta: Meta,
    pub name: SmolStr,
    pub public: bool,
    /// Bytes.
    pub size: Option<u64>,
    pub mime: Vec<SmolStr>,
    /// Over `storage.objects`, without the condition on the bucket.
    pub rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
pub struct RealtimeTable {
    pub entity: EntityId,
    pub columns: Vec<FieldIx>,
    pub filter: Option<ExprRef>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Schedule {
    pub meta: Meta,
    pub name: SmolStr,
    pub cron: SmolStr,
    pub command: SmolStr,
    pub depends: Vec<Object>,
}

#[derive(Clone, Debug)]
pub struct Webhook {
    pub meta: Meta,
    pub name: SmolStr,
    pub entity: EntityId,
    pub actions: Vec<(RuleAction, Vec<FieldIx>)>,
    /// Over the new row (the old one for a delete).
    pub when: Option<ExprRef>,
    pub target: ast::WebhookTarget,
    /// Name, value, whether the value names a vault secret.
    pub headers: Vec<(SmolStr, SmolStr, bool)>,
    /// Milliseconds.
    pub timeout: u32,
}

/// All seed rows of one environment.
#[derive(Clone, Debug)]
pub struct SeedSet {
    pub env: SmolStr,
    pub rows: Vec<SeedRow>,
}

#[derive(Clone, Debug)]
pub struct SeedRow {
    pub entity: EntityId,
    pub label: Option<SmolStr>,
    /// `* 1000`.
    pub count: Option<u32>,
    pub fields: Vec<(FieldIx, SeedValue)>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum SeedValue {
    /// SQL.
    Expr(ExprRef),
    /// The key of a labelled row (of this environment or of `base`).
    Label { entity: EntityId, label: SmolStr },
    /// The key of any row of the entity in the set.
    Any(EntityId),
    /// `fake.sentence`: the word after the dot.
    Fake(SmolStr),
    /// `between(10, 500)`: numbers, dates or timestamps, as written.
    Between(ExprRef, ExprRef),
    /// `one of ('a', 'b')`
    OneOf(Vec<ExprRef>),
}

#[derive(Clone, Debug)]
pub struct SqlBlock {
    pub meta: Meta,
    pub name: SmolStr,
    /// Kind word and name.
    pub provides: Vec<(SmolStr, Qualified)>,
    pub depends: Vec<Object>,
    /// Runs after everything else, rather than as early as what it needs allows.
    pub after: bool,
    pub up: SmolStr,
    pub down: Option<SmolStr>,
}
