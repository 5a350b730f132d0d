//! What rows do: workflows, limits, triggers, views, functions.

use super::{Element, EntityId, ExprRef, FieldIx, Index, Meta, Object, Qualified, RuleAction, Type};
use smol_str::SmolStr;
use specc_diag::Span;
use specc_syntax::ast;

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
    /// Functions that say who is asking, which its body calls.
    pub session: Vec<Object>,
    /// Columns that its body gives values to, as far as it can be read.
    pub writes: Vec<(EntityId, FieldIx)>,
    /// Its body throws an error somewhere.
    pub raises: bool,
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
    /// What its query asks, as a subquery; none where it is not understood.
    pub asks: Option<ExprRef>,
    /// Everything the query or `depends on` names that the spec declares.
    pub depends: Vec<Object>,
    /// Names and, where known, types of the columns.
    pub output: Vec<(SmolStr, Type)>,
    /// The classes of the columns, where they pass on what has one.
    pub classes: Vec<Option<ast::DataClass>>,
    pub indexes: Vec<Index>,
    /// `instead of` triggers and statement triggers; their conditions are not typed.
    pub triggers: Vec<Trigger>,
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
    /// Where its body names functions that say who is asking, and which.
    pub session: Vec<(usize, usize, SmolStr)>,
    pub depends: Vec<Object>,
    /// Entities whose rows its body looks for, with the rights that it runs with: as far as it can be read, or says so.
    pub reads: Vec<EntityId>,
    /// Views that its body names, as far as it can be read.
    pub views: Vec<usize>,
    /// Columns that its body gives values to, as far as it can be read.
    pub writes: Vec<(EntityId, FieldIx)>,
    /// What its body does to rows.
    pub deeds: Deeds,
    /// A statement of its body changes rows, locks them, or takes a number of a sequence, as far as it can be read.
    pub acts: bool,
    /// Functions that its body calls, as far as it can be read.
    pub calls: Vec<usize>,
    /// Its body throws an error somewhere; of one that is not read it is not known, and taken to be so.
    pub raises: bool,
    /// What it asks, where its body is one query: a subquery over its parameters.
    pub asks: Option<ExprRef>,
}

/// A column of an entity.
pub type ColumnOf = (EntityId, FieldIx);

/// What a body does to rows of entities, as far as it can be read.
#[derive(Clone, Debug, Default)]
pub struct Deeds {
    /// To rows of which entities, and what: sorted.
    pub rows: Vec<(EntityId, RuleAction)>,
    /// Columns of rows that it makes or changes, each with those that its value is made of.
    pub stored: Vec<(ColumnOf, Vec<ColumnOf>)>,
    /// A part is not read, or is put together when it runs.
    pub unread: bool,
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
