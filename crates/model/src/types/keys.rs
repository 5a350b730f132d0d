//! Keys, constraints, indexes, search and partitions.

use super::{ExprRef, FieldIx, Meta, Qualified, Rls};
use smol_str::SmolStr;
use specc_diag::Span;
use specc_syntax::ast;

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
