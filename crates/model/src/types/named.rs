//! Schemas, extensions, and the types and sequences in them.

use super::{Check, EntityId, ExprRef, FieldIx, Meta, Model, Qualified, Target, Type};
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

impl Model {
    /// Whether there is, or may be, a schema of this name.
    pub(crate) fn may_have_schema(&self, name: &str) -> bool {
        let options = &self.options;
        let known = name == options.default_schema
            || name == options.helper_schema
            || name == "public"
            || specc_facts::is_system_schema(name)
            || self.schemas.iter().any(|schema| schema.name == name)
            || self.extensions.iter().any(|extension| extension.schema.as_deref() == Some(name));
        let of_others = match specc_facts::schema_maker(name) {
            Some(specc_facts::SchemaMaker::Extension) => true,
            Some(specc_facts::SchemaMaker::Supabase) => options.target == Target::Supabase,
            None => false,
        };
        let closed = self.extensions.iter().all(|extension| specc_facts::is_known_extension(&extension.name));
        // What is as written may be a part of a database.
        known || of_others || !options.derive || !closed || self.sql_blocks.iter().any(|block| block.up.contains(name))
    }

    /// What to write instead of a schema that is not there.
    pub(crate) fn instead_of_schema(&self, name: &str) -> String {
        if specc_facts::schema_maker(name) == Some(specc_facts::SchemaMaker::Supabase) {
            return "it is one of Supabase's: set `target = \"supabase\"` in `specc.toml`, or declare it".to_owned();
        }
        let mut known: Vec<&str> = self.schemas.iter().map(|schema| schema.name.as_str()).collect();
        known.extend([&*self.options.default_schema, "pg_catalog", "information_schema"]);
        known.sort_unstable();
        match specc_diag::nearest(name, known) {
            Some(near) => format!("did you mean `{near}`? Or declare it: `schema {name}`"),
            None => format!("declare it: `schema {name}`"),
        }
    }
}
