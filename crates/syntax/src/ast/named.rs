//! Schemas, extensions, and the types and sequences in them.

use super::{At, CheckDecl, Doc, Name, QName, RawExpr, Setting, StrLit, TypeRef};

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
    pub was: Option<QName>,
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
    pub was: Option<QName>,
    pub base: TypeRef,
    pub collate: Option<QName>,
    pub default: Option<RawExpr>,
    pub checks: Vec<CheckDecl>,
}

/// `composite address { street: text, city: text collate "C" }` (fields apart by commas or line ends)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompositeDecl {
    pub name: QName,
    pub was: Option<QName>,
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
    pub was: Option<QName>,
    pub ty: Option<TypeRef>,
    pub options: Vec<Setting>,
    /// Entity and field.
    pub owned_by: Option<(QName, Name)>,
}
