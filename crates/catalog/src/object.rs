//! The objects themselves, one struct each.

use crate::{Dependency, Kind, ObjectId, TableName};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

macro_rules! objects {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Any object.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        #[allow(missing_docs)] // each is named after its struct
        pub enum Object { $($name($name)),* }
        $(impl From<$name> for Object { fn from(object: $name) -> Self { Object::$name(object) } })*
    };
}

objects!(
    Schema,
    Extension,
    Role,
    Enum,
    Domain,
    Composite,
    Sequence,
    Table,
    Constraint,
    Index,
    Function,
    View,
    Trigger,
    Policy,
    Grant,
    Publication,
    PublicationTable,
    Bucket,
    Job,
    Seed,
    Sql,
);

/// Short for the many fields that are absent most of the time, so that the stored catalog stays small.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A SQL expression in canonical spelling: names resolved, qualified where they have to be, quoted where they have to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SqlExpr {
    /// The text.
    pub text: SmolStr,
    /// The columns of the object's own table that it reads, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<SmolStr>,
}

impl SqlExpr {
    /// An expression that reads no column.
    pub fn new(text: impl Into<SmolStr>) -> Self {
        Self { text: text.into(), columns: Vec::new() }
    }
}

/// A type with its modifiers: `numeric(12,2)`, `text[]`, `billing.money`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DataType {
    /// Empty for a built-in type.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub schema: SmolStr,
    /// Postgres's own short name: `int`, `bigint`, `timestamptz`, `varchar`, `double precision`.
    pub name: SmolStr,
    /// Numbers in parentheses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<i64>,
    /// How many `[]`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dims: u8,
}

impl DataType {
    /// A built-in type without modifiers.
    pub fn builtin(name: impl Into<SmolStr>) -> Self {
        Self { schema: SmolStr::default(), name: name.into(), args: Vec::new(), dims: 0 }
    }
}

/// `create schema`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Its name.
    pub name: SmolStr,
}

/// `create extension`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extension {
    /// Its name.
    pub name: SmolStr,
    /// Where its objects go; empty: the first of the search path.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub schema: SmolStr,
    /// A fixed version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<SmolStr>,
}

/// `create role` (roles that exist already are not in the catalog)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: SmolStr,
    /// `login`, `bypassrls`, `noinherit` …, sorted.
    pub options: Vec<SmolStr>,
    /// Roles whose member it is, sorted.
    pub member_of: Vec<SmolStr>,
}

/// `create type … as enum`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Enum {
    /// Its schema.
    pub schema: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// In sort order.
    pub labels: Vec<SmolStr>,
}

/// `create domain`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    /// Its schema.
    pub schema: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// The type below.
    pub base: DataType,
    /// Whether null is a value of it.
    pub nullable: bool,
    /// Its collation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<Qualified>,
    /// Its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<SqlExpr>,
    /// Name and condition over `value`, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<(SmolStr, SqlExpr)>,
}

/// A name in a schema; the schema is empty for built-ins.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Qualified {
    /// The schema, or empty.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub schema: SmolStr,
    /// The name.
    pub name: SmolStr,
}

impl Qualified {
    /// From both.
    pub fn new(schema: impl Into<SmolStr>, name: impl Into<SmolStr>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }
}

/// `create type … as (…)`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Composite {
    /// Its schema.
    pub schema: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// Name, type, collation.
    pub fields: Vec<(SmolStr, DataType, Option<Qualified>)>,
}

/// `create sequence`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its schema.
    pub schema: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// `bigint` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ty: Option<DataType>,
    /// Its numbers.
    pub options: SequenceOptions,
    /// The column that owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_by: Option<(TableName, SmolStr)>,
}

/// Numbers of a sequence or identity; absent: Postgres's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // named as in SQL
pub struct SequenceOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub increment: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<i64>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub cycle: bool,
}

/// `create table`; its constraints, indexes, triggers and policies are objects of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "crate::store::StoredTable")]
pub struct Table {
    /// Its name.
    #[serde(flatten)]
    pub table: TableName,
    /// In order; empty for a partition, which has its parent's.
    pub columns: Vec<Column>,
    /// Not written to the log.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unlogged: bool,
    /// How it is divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_by: Option<PartitionBy>,
    /// What it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_of: Option<(TableName, Bounds)>,
    /// What it inherits from, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inherits: Vec<TableName>,
    /// Row level security.
    pub rls: Rls,
    /// Storage parameters, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<(SmolStr, SmolStr)>,
    /// `full`, `nothing`; absent: the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_identity: Option<SmolStr>,
}

/// Whether row level security filters, and whether it filters the owner too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Rls {
    Off,
    On,
    Forced,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: DataType,
    /// Whether it takes null.
    #[serde(default, skip_serializing_if = "is_default")]
    pub nullable: bool,
    /// Its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<SqlExpr>,
    /// `generated always as (…) stored`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Box<SqlExpr>>,
    /// Computed when read, not stored (from Postgres 18 on).
    #[serde(default, skip_serializing_if = "is_default")]
    pub virtual_generated: bool,
    /// `generated … as identity`: whether `always`, and its numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Box<(bool, SequenceOptions)>>,
    /// Its collation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<Box<Qualified>>,
    /// `external`, `main` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<SmolStr>,
    /// `lz4` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<SmolStr>,
    /// `comment on column`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<SmolStr>,
}

impl Column {
    /// A plain not-null column.
    pub fn new(name: impl Into<SmolStr>, ty: DataType) -> Self {
        Self {
            name: name.into(),
            ty,
            nullable: false,
            default: None,
            generated: None,
            virtual_generated: false,
            identity: None,
            collation: None,
            storage: None,
            compression: None,
            comment: None,
        }
    }
}

/// `partition by`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartitionBy {
    /// `range`, `list` or `hash`.
    pub method: SmolStr,
    /// What divides.
    pub keys: Vec<IndexKey>,
}

/// `for values …`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Bounds {
    Range { from: Vec<SqlExpr>, to: Vec<SqlExpr> },
    List(Vec<SqlExpr>),
    Hash { modulus: u32, remainder: u32 },
    Default,
}

/// A table constraint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Constraint {
    /// Where.
    pub table: TableName,
    /// Its name.
    pub name: SmolStr,
    /// What it holds.
    pub rule: Rule,
    /// May be checked at the end of a transaction.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deferrable: bool,
    /// Is, unless told otherwise.
    #[serde(default, skip_serializing_if = "is_default")]
    pub initially_deferred: bool,
    /// Rows that were there before were not checked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub not_valid: bool,
}

/// What a constraint holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // named as in SQL
pub enum Rule {
    PrimaryKey {
        columns: Vec<SmolStr>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        include: Vec<SmolStr>,
    },
    Unique {
        columns: Vec<SmolStr>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        include: Vec<SmolStr>,
        #[serde(default, skip_serializing_if = "is_default")]
        nulls_not_distinct: bool,
    },
    Check {
        expr: SqlExpr,
        #[serde(default, skip_serializing_if = "is_default")]
        no_inherit: bool,
    },
    ForeignKey(ForeignKey),
    Exclude {
        method: SmolStr,
        elements: Vec<(IndexKey, SmolStr)>,
        filter: Option<SqlExpr>,
    },
}

/// `foreign key … references …`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// The referencing columns.
    pub columns: Vec<SmolStr>,
    /// The referenced table.
    pub target: TableName,
    /// Its columns, in the same order.
    pub target_columns: Vec<SmolStr>,
    /// `on delete`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_delete: Action,
    /// `on delete set null (these)`; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_delete_columns: Vec<SmolStr>,
    /// `on update`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_update: Action,
    /// `match full`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub match_full: bool,
}

/// What happens to the referencing row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Action {
    #[default]
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

/// `create index` (indexes that belong to a constraint are not objects)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// On which table or materialized view; its schema is the index's too.
    pub table: TableName,
    /// Its name.
    pub name: SmolStr,
    /// Whether values repeat.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unique: bool,
    /// `btree`, `gin`, `hnsw` …
    pub method: SmolStr,
    /// What it is over.
    pub keys: Vec<IndexKey>,
    /// Columns that ride along.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<SmolStr>,
    /// Which rows it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<SqlExpr>,
    /// Storage parameters, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<(SmolStr, SmolStr)>,
    /// Nulls are equal to each other.
    #[serde(default, skip_serializing_if = "is_default")]
    pub nulls_not_distinct: bool,
}

/// An element of an index, exclusion or partition key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexKey {
    /// A column's name, or an expression.
    pub on: KeyOn,
    /// Its collation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<Qualified>,
    /// Its operator class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opclass: Option<Qualified>,
    /// Descending.
    #[serde(default, skip_serializing_if = "is_default")]
    pub desc: bool,
    /// Where nulls go, if it is not where they go by default (last, first if descending).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nulls_first: Option<bool>,
}

impl IndexKey {
    /// A column in plain order.
    pub fn column(name: impl Into<SmolStr>) -> Self {
        Self { on: KeyOn::Column(name.into()), collation: None, opclass: None, desc: false, nulls_first: None }
    }
}

impl IndexKey {
    /// The column, if it is over a column.
    pub fn column_name(&self) -> Option<&SmolStr> {
        match &self.on {
            KeyOn::Column(name) => Some(name),
            KeyOn::Expr(_) => None,
        }
    }
}

/// What an [`IndexKey`] is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum KeyOn {
    Column(SmolStr),
    Expr(SqlExpr),
}

/// `create function` or `create procedure`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Its schema.
    pub schema: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// A procedure.
    #[serde(default, skip_serializing_if = "is_default")]
    pub procedure: bool,
    /// Its parameters.
    pub params: Vec<Param>,
    /// What it gives back; none for a procedure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns: Option<Returns>,
    /// `sql`, `plpgsql` …
    pub language: SmolStr,
    /// Its text.
    pub body: Body,
    /// `volatile`, `stable` or `immutable`.
    pub volatility: Volatility,
    /// Null in, null out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub strict: bool,
    /// `safe`, `restricted`; absent: unsafe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<SmolStr>,
    /// Tells nothing of its arguments.
    #[serde(default, skip_serializing_if = "is_default")]
    pub leakproof: bool,
    /// Runs as its owner.
    #[serde(default, skip_serializing_if = "is_default")]
    pub security_definer: bool,
    /// `cost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<SmolStr>,
    /// `rows`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<SmolStr>,
    /// `set name = value`, sorted by name; an empty value is `''`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<(SmolStr, SmolStr)>,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// `in`, `out`, `inout`, `variadic`.
    pub mode: SmolStr,
    /// Its name, or empty.
    pub name: SmolStr,
    /// Its type.
    pub ty: DataType,
    /// Its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<SqlExpr>,
}

/// What a function gives back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Returns {
    Type(DataType),
    SetOf(DataType),
    Table(Vec<(SmolStr, DataType)>),
}

/// A function's text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// `begin atomic … end`: statements that Postgres checks and tracks when the function is made.
    Atomic(SmolStr),
    /// `as $$ … $$`.
    Text(SmolStr),
}

/// How much a function's answer varies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Volatility {
    #[default]
    Volatile,
    Stable,
    Immutable,
}

impl Function {
    /// What tells functions of one name apart: the types of its input parameters, as SQL, joined by `, `.
    pub fn signature(&self) -> SmolStr {
        let inputs = self.params.iter().filter(|p| p.mode != "out");
        inputs.map(|p| p.ty.to_string()).collect::<Vec<_>>().join(", ").into()
    }
}

impl std::fmt::Display for DataType {
    /// For ids and messages: names as they are. The printer, not this, writes SQL.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.schema.is_empty() {
            write!(f, "{}.", self.schema)?;
        }
        write!(f, "{}", self.name)?;
        if !self.args.is_empty() {
            let args: Vec<_> = self.args.iter().map(i64::to_string).collect();
            write!(f, "({})", args.join(","))?;
        }
        (0..self.dims).try_for_each(|_| f.write_str("[]"))
    }
}

/// `create view` or `create materialized view`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "crate::store::StoredView")]
pub struct View {
    /// Its name.
    #[serde(flatten)]
    pub view: TableName,
    /// Names of its columns where the query does not name them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<SmolStr>,
    /// The query, without a final semicolon.
    pub query: SmolStr,
    /// Kept, and refreshed when asked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub materialized: bool,
    /// Reads with the rights of who asks.
    #[serde(default, skip_serializing_if = "is_default")]
    pub security_invoker: bool,
    /// Filters before functions of the query's user run.
    #[serde(default, skip_serializing_if = "is_default")]
    pub security_barrier: bool,
    /// `local` or `cascaded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_option: Option<SmolStr>,
    /// `with no data`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_data: bool,
}

/// `create trigger`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// On which table or view.
    pub table: TableName,
    /// Its name.
    pub name: SmolStr,
    /// When.
    pub timing: Timing,
    /// `insert`, `update`, `delete`, `truncate`, in this order, with the columns of `update of`.
    pub events: Vec<(SmolStr, Vec<SmolStr>)>,
    /// For each row, else for each statement.
    pub per_row: bool,
    /// `referencing old table as`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_table: Option<SmolStr>,
    /// `referencing new table as`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_table: Option<SmolStr>,
    /// Over `old` and `new`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<SqlExpr>,
    /// What runs.
    pub function: Qualified,
    /// Its arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<SmolStr>,
    /// A constraint trigger (always deferrable).
    #[serde(default, skip_serializing_if = "is_default")]
    pub constraint: bool,
    /// `initially deferred`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub initially_deferred: bool,
    /// `disabled`, `replica` or `always`; empty: wherever rows are written first.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub enabled: SmolStr,
}

/// When a trigger fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Timing {
    Before,
    After,
    InsteadOf,
}

/// `create policy`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// On which table.
    pub table: TableName,
    /// Its name.
    pub name: SmolStr,
    /// Adds access; otherwise restricts it.
    pub permissive: bool,
    /// What it is for.
    pub command: Command,
    /// To whom, sorted; empty: public.
    pub roles: Vec<SmolStr>,
    /// Which rows are seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub using: Option<SqlExpr>,
    /// Which rows may be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<SqlExpr>,
}

/// What a policy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Command {
    All,
    Select,
    Insert,
    Update,
    Delete,
}

/// What one grantee may do with one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// The object: schema, table, view, sequence, function, type.
    pub on: ObjectId,
    /// To whom; `public` is everyone.
    pub to: SmolStr,
    /// Sorted by name.
    pub privileges: Vec<Privilege>,
}

/// `select (a, b) with grant option`
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Privilege {
    /// `select`, `execute`, `usage` …
    pub name: SmolStr,
    /// Only these columns, sorted; empty: the whole object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<SmolStr>,
    /// May be given on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub grantable: bool,
}

/// `create publication`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Publication {
    /// Its name.
    pub name: SmolStr,
}

/// `alter publication … add table`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublicationTable {
    /// Which publication (it may belong to the platform, and not be in the catalog).
    pub publication: SmolStr,
    /// Which table.
    pub table: TableName,
    /// Only these; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<SmolStr>,
    /// Only these rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<SqlExpr>,
}

/// A storage bucket of the Supabase platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Its id and name.
    pub id: SmolStr,
    /// Read without a token.
    pub public: bool,
    /// In bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_limit: Option<u64>,
    /// Allowed MIME types; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mime_types: Vec<SmolStr>,
}

/// A `pg_cron` job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its name.
    pub name: SmolStr,
    /// A cron expression.
    pub schedule: SmolStr,
    /// The SQL that runs.
    pub command: SmolStr,
}

/// Rows that belong to the schema: inserted, and kept as the spec says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seed {
    /// Into which table.
    pub table: TableName,
    /// Its place among all seeds, from 0: rows that others refer to come first.
    pub order: u32,
    /// Columns that are given.
    pub columns: Vec<SmolStr>,
    /// The columns that tell rows apart: a key.
    pub key: Vec<SmolStr>,
    /// A value for each column.
    pub rows: Vec<Vec<SqlExpr>>,
    /// A row that is there already is made as the seed says (else it is left alone).
    pub update: bool,
    /// The column among `columns` that a sequence fills when it is left out: the sequence must be moved past the highest
    /// value (and a value for an identity column overrides the system's).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<SmolStr>,
}

/// SQL that no typed object says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sql {
    /// Its name in the spec.
    pub name: SmolStr,
    /// Statements that make it.
    pub up: SmolStr,
    /// Statements that take it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down: Option<SmolStr>,
    /// What it makes: other objects may depend on these ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provides: Vec<ObjectId>,
}

impl Object {
    /// What identifies it.
    pub fn id(&self) -> ObjectId {
        match self {
            Object::Schema(o) => ObjectId::new(Kind::Schema, "", o.name.clone()),
            Object::Extension(o) => ObjectId::new(Kind::Extension, "", o.name.clone()),
            Object::Role(o) => ObjectId::new(Kind::Role, "", o.name.clone()),
            Object::Enum(o) => ObjectId::new(Kind::Enum, o.schema.clone(), o.name.clone()),
            Object::Domain(o) => ObjectId::new(Kind::Domain, o.schema.clone(), o.name.clone()),
            Object::Composite(o) => ObjectId::new(Kind::Composite, o.schema.clone(), o.name.clone()),
            Object::Sequence(o) => ObjectId::new(Kind::Sequence, o.schema.clone(), o.name.clone()),
            Object::Table(o) => o.table.id(),
            Object::Constraint(o) => o.table.part(Kind::Constraint, o.name.clone()),
            Object::Index(o) => ObjectId::new(Kind::Index, o.table.schema.clone(), o.name.clone()),
            Object::Function(o) => ObjectId::new(Kind::Function, o.schema.clone(), o.name.clone()).part(o.signature()),
            Object::View(o) => ObjectId::new(Kind::View, o.view.schema.clone(), o.view.name.clone()),
            Object::Trigger(o) => o.table.part(Kind::Trigger, o.name.clone()),
            Object::Policy(o) => o.table.part(Kind::Policy, o.name.clone()),
            Object::Grant(o) => {
                let name = format!("{} {}({})", o.on.kind.word(), o.on.name, o.on.part);
                let name = if o.on.part.is_empty() { format!("{} {}", o.on.kind.word(), o.on.name) } else { name };
                ObjectId::new(Kind::Grant, o.on.schema.clone(), name).part(o.to.clone())
            }
            Object::Publication(o) => ObjectId::new(Kind::Publication, "", o.name.clone()),
            Object::PublicationTable(o) => o.table.part(Kind::PublicationTable, o.publication.clone()),
            Object::Bucket(o) => ObjectId::new(Kind::Bucket, "", o.id.clone()),
            Object::Job(o) => ObjectId::new(Kind::Job, "", o.name.clone()),
            Object::Seed(o) => o.table.part(Kind::Seed, o.order.to_string()),
            Object::Sql(o) => ObjectId::new(Kind::Sql, "", o.name.clone()),
        }
    }

    /// The table that it is a part of: a constraint, index, trigger, policy, seed or published table.
    pub fn table(&self) -> Option<&TableName> {
        match self {
            Object::Constraint(o) => Some(&o.table),
            Object::Index(o) => Some(&o.table),
            Object::Trigger(o) => Some(&o.table),
            Object::Policy(o) => Some(&o.table),
            Object::Seed(o) => Some(&o.table),
            Object::PublicationTable(o) => Some(&o.table),
            _ => None,
        }
    }

    /// What its structure needs, with reasons. Ids that are not in the catalog belong to the platform; a type is listed
    /// under every kind of object that has types ([`Catalog::dependencies_of`](crate::Catalog::dependencies_of) knows
    /// which is meant).
    pub fn implied(&self) -> Vec<Dependency> {
        crate::graph::implied(self)
    }
}
