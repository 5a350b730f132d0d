//! What rows do: workflows, limits, triggers, views, functions.

use super::{At, Doc, IndexDecl, IndexElement, Name, QName, RawExpr, Setting, SqlBody, StrLit, TypeRef};
use smol_str::SmolStr;

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
    pub was: Option<QName>,
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
/// owner may call. `security definer` pins `search_path` to `pg_catalog, pg_temp` unless `set search_path` says otherwise. `atomic` statements
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
    pub was: Option<QName>,
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
