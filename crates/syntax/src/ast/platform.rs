//! What a platform adds, seeds, and what no construct says.

use super::{At, Name, PolicyAction, PolicyRule, QName, RawExpr, SqlBody, StrLit};

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
    /// Where it says so.
    pub public: Option<At>,
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
    /// Milliseconds, and where that is said.
    pub timeout: Option<(u32, At)>,
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
