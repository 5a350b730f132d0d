//! What a platform adds, seeds, and what no construct says.

use super::{EntityId, ExprRef, FieldIx, Meta, Object, Qualified, Rule, RuleAction};
use smol_str::SmolStr;
use specc_diag::Span;
use specc_syntax::ast;

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
    /// There are too many for a file: whoever fills a database makes them.
    pub large: bool,
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
    /// What it opens or closes.
    pub opens: Opens,
}

/// What a block of SQL does to who may do what: rules, grants, row level security and owners of tables, and what runs with
/// its owner's rights.
#[derive(Clone, Debug, Default)]
pub struct Opens {
    /// Entities whose rules or rights it changes.
    pub entities: Vec<EntityId>,
    /// It changes those of any, or that cannot be told.
    pub any: bool,
    /// It makes a way past rules: a function or a view with its owner's rights.
    pub ways: bool,
}
