//! What everything is said with: ids, names, types, expressions.

use super::Model;
use crate::formula::Formula;
use smol_str::SmolStr;
use specc_catalog::DataType;
use specc_diag::Span;
use std::sync::Arc;

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

impl Type {
    /// The catalog's type; one that could not be known is `text`.
    pub fn data_type(&self, model: &Model) -> DataType {
        let (schema, name) = match (&self.base, self.declared(model)) {
            (_, Some(name)) => (name.schema.clone(), name.name.clone()),
            (Base::Builtin(name), None) => (SmolStr::default(), name.clone()),
            _ => (SmolStr::default(), "text".into()),
        };
        DataType { schema, name, args: self.args.clone(), dims: self.dims }
    }

    /// Its name, where the spec or an extension declares it.
    pub fn declared<'m>(&'m self, model: &'m Model) -> Option<&'m Qualified> {
        match &self.base {
            Base::Enum(id) => Some(&model.enums[id.0 as usize].name),
            Base::Domain(id) => Some(&model.domains[id.0 as usize].name),
            Base::Composite(id) => Some(&model.composites[id.0 as usize].name),
            Base::Row(id) => Some(&model.entity(*id).name),
            Base::Named(name) => Some(name),
            Base::Builtin(_) | Base::Unknown => None,
        }
    }
}

/// An expression of the spec, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it means.
    pub formula: Formula,
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
    /// The schema that it was in, where the author says so.
    pub was_in: Option<SmolStr>,
}
