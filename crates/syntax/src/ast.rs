//! The syntax tree: what was written, with spans, and nothing resolved.
//!
//! Every struct shows its spelling; `grammar/dbspec.pest` is the truth. Expressions and SQL bodies are kept as text
//! with their span ([`RawExpr`], [`SqlBody`]): a later stage parses them as SQL. The tree is immutable; later passes
//! keep what they learn in tables of their own.
//!
//! Equality ignores spans ([`PartialEq`] on [`Name`], [`RawExpr`] … compares text only), so that a formatted file can be
//! compared with its original.

#![allow(missing_docs)] // a field is named as in the spelling that its struct shows

use smol_str::SmolStr;
use specc_diag::{FileId, Span};

/// A span that is equal to every other span.
#[derive(Clone, Copy, Debug, Default)]
pub struct At(pub Span);

impl PartialEq for At {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for At {}

/// A name: `events`, `"Weird name"` (text without the quotes, `""` undone), or in a mixin `$param` (text with the `$`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name itself.
    pub text: SmolStr,
    /// Where.
    pub at: At,
}

/// `events` or `billing.events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QName {
    /// The schema, if written.
    pub schema: Option<Name>,
    /// The name in it.
    pub name: Name,
}

impl QName {
    /// The whole of it.
    pub fn span(&self) -> Span {
        match &self.schema {
            Some(schema) => schema.at.0.to(self.name.at.0),
            None => self.name.at.0,
        }
    }
}

/// A SQL expression as written, trimmed, without comments after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawExpr {
    /// The text.
    pub text: SmolStr,
    /// Where the text starts and ends.
    pub at: At,
}

/// SQL between `$$` and `$$` (or `$tag$`), without the delimiters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlBody {
    /// The text between the delimiters, as written.
    pub text: SmolStr,
    /// The tag between the dollars, mostly empty.
    pub tag: SmolStr,
    /// Where the text between the delimiters starts and ends.
    pub at: At,
}

/// A string literal, quotes removed and `''` undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrLit {
    /// The value.
    pub value: SmolStr,
    /// Where, with the quotes.
    pub at: At,
}

/// A `key value` setting whose value is a word, number or string: `fillfactor = 70`, `increment 5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The name, lowercase words joined by a space.
    pub name: Name,
    /// The value as text (strings without quotes).
    pub value: SmolStr,
    /// Whether the value was written as a string.
    pub quoted: bool,
    /// The whole setting.
    pub at: At,
}

/// `text`, `varchar(120)`, `numeric(12, 2)?`, `text[]`, `vector(1536)`, `billing.money?`, `timestamp with time zone`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeRef {
    /// The name; words of a built-in type of several words are joined by one space, lowercase.
    pub name: QName,
    /// Numbers in parentheses.
    pub args: Vec<i64>,
    /// How many `[]` follow.
    pub dims: u8,
    /// Ends in `?`.
    pub nullable: bool,
    /// The whole type.
    pub at: At,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecFile {
    /// Which.
    pub file: FileIdEq,
    /// Items in the order written.
    pub items: Vec<Item>,
    /// Comments (`// …`, `/* … */`, not `///`) in the order written, for the formatter.
    pub comments: Vec<Comment>,
}

/// A file id that is equal to every other.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileIdEq(pub FileId);

impl PartialEq for FileIdEq {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for FileIdEq {}

/// A comment with its delimiters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// `// why` or `/* why */`, without the line end.
    pub text: SmolStr,
    /// Where.
    pub at: At,
}

/// `///` lines before an item or member, joined by line ends, each without `///` and one space.
pub type Doc = Option<SmolStr>;

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
    Domain(DomainDecl),
    Composite(CompositeDecl),
    Sequence(SequenceDecl),
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
    Grant(GrantDecl),
    Bucket(BucketDecl),
    Realtime(RealtimeDecl),
    Schedule(ScheduleDecl),
    Webhook(Box<WebhookDecl>),
    Seed(SeedDecl),
    Sql(SqlDecl),
    Kept(KeptDecl),
}

/// `schema billing`, `schema billing was payments`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaDecl {
    pub name: Name,
    pub was: Option<Name>,
}

/// `extension vector`, `extension pg_trgm in extensions`, `extension postgis version '3.4'`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionDecl {
    pub name: Name,
    pub schema: Option<Name>,
    pub version: Option<StrLit>,
}

/// ```text
/// enum event_status was state {
///   /// not visible yet
///   draft
///   'in review' was reviewing
///   published, cancelled
/// }
/// ```
/// Labels are words or strings, apart by commas or line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumDecl {
    pub name: QName,
    pub was: Option<Name>,
    pub labels: Vec<EnumLabel>,
}

/// A label of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumLabel {
    pub doc: Doc,
    pub label: Name,
    pub was: Option<Name>,
    pub at: At,
}

/// `domain email: citext? collate "C" = 'x' { check has_at: value ~ '@' }` (braces optional; not null unless `?`)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainDecl {
    pub name: QName,
    pub was: Option<Name>,
    pub base: TypeRef,
    pub collate: Option<QName>,
    pub default: Option<RawExpr>,
    pub checks: Vec<CheckDecl>,
}

/// `composite address { street: text, city: text collate "C" }` (fields apart by commas or line ends)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompositeDecl {
    pub name: QName,
    pub was: Option<Name>,
    pub fields: Vec<CompositeField>,
}

/// A field of a composite type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompositeField {
    pub doc: Doc,
    pub name: Name,
    pub ty: TypeRef,
    pub collate: Option<QName>,
    pub was: Option<Name>,
    pub at: At,
}

/// `sequence invoice_no: bigint { start 1000  increment 1  min 1  max 99999  cache 1  cycle  owned by invoices.no }`
/// (type and braces optional; a flag such as `cycle` is a setting with the value `true`)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceDecl {
    pub name: QName,
    pub was: Option<Name>,
    pub ty: Option<TypeRef>,
    pub options: Vec<Setting>,
    /// Entity and field.
    pub owned_by: Option<(QName, Name)>,
}

/// `[external] [unlogged] entity billing.events [was gatherings] { members }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityDecl {
    pub name: QName,
    pub was: Option<Name>,
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
    /// `rls off`, `rls force` or `rls on`
    Rls(Name),
    /// `with (fillfactor = 70)`
    With(Vec<Setting>),
    /// `depends on sql plain_search`: kind, if written, and name
    Depends(Vec<(Option<Name>, QName)>),
    /// `inherits animals, things`
    Inherits(Vec<QName>),
    /// `replica identity full` (the word after `identity`)
    ReplicaIdentity(Name),
}

/// `name: type modifiers`. Modifiers in any order after the type: `key`, `unique`, `immutable`, `= value`,
/// `generated [virtual] (expr)`, `identity [always | by default] [(start 10 increment 2)]`, `collate "C"`, `was old`,
/// `deprecated ['why']`, `backfill (expr)`, `storage external`, `compression lz4`, `not null name` is not needed.
/// In `= value` the value is a SQL expression up to the next modifier word or the line's end, or `count(path [where
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
    pub generated: Option<Box<RawExpr>>,
    /// The generated value is computed when it is read, and not kept.
    pub is_virtual: bool,
    pub identity: Option<Box<Identity>>,
    pub collate: Option<Box<QName>>,
    pub was: Option<Box<Name>>,
    pub deprecated: Option<SmolStr>,
    pub backfill: Option<Box<RawExpr>>,
    pub storage: Option<Box<Name>>,
    pub compression: Option<Box<Name>>,
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
/// `= default expr`, `was old`, `deprecated ['why']`, `backfill (expr)`. The path is the column without `_id` unless `as` says otherwise; the inverse
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

/// `partition by range (created_at)`; methods range, list, hash; elements are columns or expressions
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionByDecl {
    pub method: Name,
    pub elements: Vec<IndexElement>,
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

/// ```text
/// workflow status {
///   -> draft                              // the states that a new row may have; without such a line, any
///   draft     -> published, cancelled
///   published -> cancelled when starts_at > now()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowDecl {
    pub field: Name,
    pub steps: Vec<WorkflowStep>,
}

/// A line of a workflow; `from` is empty on the line of first states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowStep {
    pub doc: Doc,
    pub from: Vec<Name>,
    pub to: Vec<Name>,
    pub when: Option<RawExpr>,
    pub at: At,
}

/// `limit name: cond per event_id [, day] to event.capacity [else status = 'waitlisted' promote by registered_at]`
///
/// At most `to` rows with `cond` for each value of `per`. Without `else` one more row is refused; with it the row gets
/// the overflow values, and `promote by` gives a place that becomes free to the first overflow row in that order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitDecl {
    pub name: Name,
    pub condition: RawExpr,
    pub per: Vec<Name>,
    pub to: RawExpr,
    /// Column and value.
    pub overflow: Vec<(Name, RawExpr)>,
    /// Columns and expressions in order.
    pub promote_by: Vec<IndexElement>,
}

/// ```text
/// trigger name before|after|instead of insert or update of a, b or delete [for each row|statement]
///   [referencing old table as o new table as n] [disabled | enabled always|replica] [when (expr)]
///   execute notify('x')      // or:  as $$ plpgsql block $$
/// ```
/// At the top level: `trigger name on events before …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerDecl {
    pub name: Name,
    /// At the top level only.
    pub on: Option<QName>,
    pub timing: TriggerTiming,
    pub events: Vec<TriggerEvent>,
    pub per_row: bool,
    pub old_table: Option<Name>,
    pub new_table: Option<Name>,
    pub when: Option<RawExpr>,
    pub action: TriggerAction,
    pub constraint: bool,
    pub initially_deferred: bool,
    /// `disabled`, `always` or `replica`; absent: it fires, but not where a replica takes over changes.
    pub enabled: Option<Name>,
    pub was: Option<Name>,
}

/// When a trigger fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TriggerTiming {
    Before,
    After,
    InsteadOf,
}

/// `update of a, b`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerEvent {
    /// `insert`, `update`, `delete` or `truncate`.
    pub event: Name,
    pub columns: Vec<Name>,
}

/// What a trigger does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TriggerAction {
    /// `execute fn('arg', 2)`: a declared function and its literal arguments.
    Execute {
        /// The function.
        function: QName,
        /// Argument texts, strings without quotes.
        args: Vec<StrLit>,
    },
    /// `as $$ begin … return new; end $$`: a function of the trigger's own, in plpgsql.
    Body(SqlBody),
}

/// `viewer -> profiles`: the entity whose key is who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewerDecl {
    pub entity: QName,
}

/// `predicate works_for(s: startups) = exists s.members (user_id = viewer)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredicateDecl {
    pub name: Name,
    pub params: Vec<(Name, QName)>,
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

/// ```text
/// [materialized] view active_decks [(a, b)] [security definer] [security barrier] [with check option | with no data]
///   [depends on f, t] [refresh '*/5 * * * *'] [was old] as $$ select … $$
///   [{ index (a)  unique index (id)  comment lines  policy-free }]
/// ```
/// `security_invoker` unless `security definer`. Access by `grant`, or for a plain view: `to anon, authenticated`
/// before `as` grants select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewDecl {
    pub name: QName,
    pub materialized: bool,
    pub columns: Vec<Name>,
    pub security_definer: bool,
    pub security_barrier: bool,
    /// `local` or `cascaded`.
    pub check_option: Option<Name>,
    pub no_data: bool,
    pub depends: Vec<QName>,
    pub refresh: Option<StrLit>,
    pub roles: Vec<Name>,
    pub was: Option<Name>,
    pub body: SqlBody,
    pub indexes: Vec<IndexDecl>,
}

/// ```text
/// function full_name(p: profiles, sep: text = ' ') -> text|void|trigger|setof t|table (a: int, b: text)
///   [language sql|plpgsql] [volatile|stable|immutable] [strict] [parallel safe|restricted|unsafe] [leakproof]
///   [security definer] [cost 10] [rows 100] [set search_path = ''] [depends on t, f] [to authenticated] [was old]
///   as [atomic] $$ … $$
/// procedure refresh_all(inout n: int) as $$ … $$
/// ```
/// `sql` unless `language` says otherwise; attributes in any order. `to roles` grants execute; without it nobody but the
/// owner may call. `security definer` pins `search_path = ''` unless `set search_path` says otherwise. `atomic` statements
/// are read and checked by Postgres when the function is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionDecl {
    pub procedure: bool,
    pub name: QName,
    pub params: Vec<FunctionParam>,
    pub returns: Option<Returns>,
    pub language: Option<Name>,
    pub volatility: Option<Name>,
    pub strict: bool,
    pub parallel: Option<Name>,
    pub leakproof: bool,
    pub security_definer: bool,
    pub cost: Option<SmolStr>,
    pub rows: Option<SmolStr>,
    /// `set name = value`
    pub settings: Vec<Setting>,
    pub depends: Vec<QName>,
    pub roles: Vec<Name>,
    pub was: Option<Name>,
    pub atomic: bool,
    pub body: SqlBody,
}

/// `inout n: int = 0`, `text`; modes `in` (default), `out`, `inout`, `variadic`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionParam {
    pub mode: Option<Name>,
    /// Empty where it has none.
    pub name: Name,
    pub ty: TypeRef,
    pub default: Option<RawExpr>,
}

/// What a function gives back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returns {
    Type(TypeRef),
    SetOf(TypeRef),
    Table(Vec<(Name, TypeRef)>),
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
    /// `schema`, `function`, `procedure`, `type`, `sequence` or none for a relation.
    pub object_kind: Option<Name>,
    pub object: QName,
    /// Of a function.
    pub arg_types: Option<Vec<TypeRef>>,
    pub roles: Vec<Name>,
    pub grant_option: bool,
}

/// ```text
/// bucket avatars {
///   public
///   size 5 MB
///   mime 'image/png', 'image/*'
///   policy { owners_write: allow insert, update to authenticated when (storage.foldername(name))[1] = viewer::text }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketDecl {
    /// The bucket's id; a word or a string.
    pub name: Name,
    pub public: bool,
    /// Number and unit (`B`, `KB`, `MB`, `GB`; powers of 1024).
    pub size: Option<(u64, Name)>,
    pub mime: Vec<StrLit>,
    pub rules: Vec<PolicyRule>,
}

/// `realtime { events  registrations (id, status) where status = 'confirmed' }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealtimeDecl {
    pub tables: Vec<RealtimeTable>,
}

/// A line of [`RealtimeDecl`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealtimeTable {
    pub entity: QName,
    pub columns: Vec<Name>,
    pub filter: Option<RawExpr>,
    pub at: At,
}

/// `schedule nightly_rollup '0 2 * * *' as $$ call rollup() $$`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleDecl {
    pub name: Name,
    pub cron: StrLit,
    pub body: SqlBody,
}

/// ```text
/// webhook notify_applicant on job_applications after insert, update (status) [when expr] {
///   url 'https://…'            // or: edge function 'notify-applicant'
///   header 'x-source' 'specc'  // values may be  secret 'name'  (vault)
///   timeout 5000
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookDecl {
    pub name: Name,
    pub entity: QName,
    pub actions: Vec<PolicyAction>,
    pub when: Option<RawExpr>,
    /// A URL, or the name of an edge function.
    pub target: Option<WebhookTarget>,
    /// Name, value, and whether the value names a vault secret.
    pub headers: Vec<(StrLit, StrLit, bool)>,
    /// Milliseconds.
    pub timeout: Option<u32>,
}

/// Where a webhook goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookTarget {
    Url(StrLit),
    EdgeFunction(StrLit),
}

/// `seed dev { rows }`; `base` is every environment
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedDecl {
    pub env: Name,
    pub rows: Vec<SeedRow>,
}

/// `events launch { title: 'Launch', organizer_id: ana }` or `events * 1000 { title: fake.sentence }` or, unlabelled,
/// `events { … }`. Fields apart by commas or line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedRow {
    pub entity: QName,
    pub label: Option<Name>,
    pub count: Option<u32>,
    /// Field and value: a SQL expression, a label of another row, `any entity`, `fake.kind`, `between(a, b)`,
    /// `one of ('a', 'b')`.
    pub fields: Vec<(Name, RawExpr)>,
    pub at: At,
}

/// ```text
/// sql text_search_config
///   provides function unaccent_immutable, table legacy      // kind and name
///   depends on events, extension unaccent
///   [after] $$ create … $$
///   down $$ drop … $$
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlDecl {
    pub name: Name,
    /// Kind (`function`, `table`, `type`, …) and name.
    pub provides: Vec<(Name, QName)>,
    /// Kind, if written, and name.
    pub depends: Vec<(Option<Name>, QName)>,
    /// Runs after everything else, rather than as early as what it needs allows.
    pub after: bool,
    pub up: SqlBody,
    pub down: Option<SqlBody>,
}

/// `scenario …`, `query …`, `promise …`: parsed as a block and kept as text for a later stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptDecl {
    /// The first word.
    pub keyword: Name,
    /// All of it, as written.
    pub text: SmolStr,
}
