//! Schemas, extensions, and the types and sequences in them.

use super::{Check, EntityId, ExprRef, FieldIx, Meta, Qualified, Type};
use smol_str::SmolStr;
use specc_diag::Span;
use specc_syntax::ast;

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
    /// Fields that were called otherwise: name, and what it was.
    pub renamed: Vec<(SmolStr, SmolStr)>,
}

#[derive(Clone, Debug)]
pub struct Sequence {
    pub meta: Meta,
    pub name: Qualified,
    pub ty: Option<Type>,
    pub options: Vec<ast::Setting>,
    pub owned_by: Option<(EntityId, FieldIx)>,
}
