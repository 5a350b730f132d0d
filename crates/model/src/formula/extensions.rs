//! Operators, functions and types of extensions, for SQL that is read under a search path that has none of them: the
//! bodies of generated functions. Postgres finds an operator by its name on the search path; where the operands are of an
//! extension's type and the extension is not on it, another operator is taken in silence (`citext` is compared as `text`),
//! or none is found.

use super::{Call, Formula, Node, Piece, Row, TypeName};
use crate::types::{Base, Entity, Extension, Model, Qualified, Target, Type};
use crate::typing::kinds::{Key, Ty, key};
use crate::typing::resolve::{Outcome, resolve};
use smol_str::SmolStr;
use specc_facts::Variant;
use specc_sql::quote;

/// Extensions that the platform has installed already, and not where `create extension` would put them.
const PREINSTALLED: [&str; 3] = ["pgcrypto", "uuid-ossp", "pg_stat_statements"];

/// The schema that holds what an extension brings.
pub fn extension_schema(model: &Model, extension: &str) -> SmolStr {
    let declared = model.extensions.iter().find(|e| e.name == extension);
    match declared.and_then(|e| e.schema.clone()) {
        Some(schema) => schema,
        None if model.options.target == Target::Supabase && PREINSTALLED.contains(&extension) => "extensions".into(),
        // The first schema of the path under which migrations run.
        None => "public".into(),
    }
}

/// The extension that brings a type; of an array, of its elements.
fn extension_of(model: &Model, ty: &Type) -> Option<&'static str> {
    match key(model, ty) {
        Key::Table(spelled) => specc_facts::extension_of_type(spelled.name),
        _ => match model.under(ty).base {
            Base::Named(name) => specc_facts::extension_of_type(&name.name),
            _ => None,
        },
    }
}

/// The only extension of which nothing is known: what nobody else has is its.
fn unknown_extension(model: &Model) -> Option<SmolStr> {
    let mut unknown = model.extensions.iter().filter(|e| !specc_facts::is_known_extension(&e.name));
    let only = unknown.next()?;
    unknown.next().is_none().then(|| extension_schema(model, &only.name))
}

/// The schema of a type that is written without one and is not Postgres's own.
fn type_schema(model: &Model, name: &Qualified) -> Option<SmolStr> {
    if specc_facts::type_info(&name.name).is_some_and(|info| info.extension == "-") {
        return None;
    }
    match specc_facts::extension_of_type(&name.name) {
        Some(extension) => Some(extension_schema(model, extension)),
        None => provided(model, &["type", "domain", "enum", "composite", "range"], &name.name)
            .or_else(|| unknown_extension(model)),
    }
}

/// The schema of what a `sql` block makes.
fn provided(model: &Model, kinds: &[&str], name: &str) -> Option<SmolStr> {
    let all = model.sql_blocks.iter().flat_map(|block| &block.provides);
    let mut named = all.filter(|(kind, made)| kinds.contains(&kind.as_str()) && made.name == name);
    named.next().map(|(_, made)| made.schema.clone())
}

fn of_formula(formula: &Formula) -> Ty {
    match (&formula.ty.base, &formula.bare().node) {
        (Base::Unknown, Node::Literal(_)) => Ty::Literal,
        _ => Ty::of(&formula.ty),
    }
}

/// The schema of the operator that Postgres takes for `name` between these operands, where it is not its own.
pub fn operator_schema(model: &Model, name: &str, operands: &[&Formula]) -> Option<SmolStr> {
    let types: Vec<Ty> = operands.iter().map(|f| of_formula(f)).collect();
    schema_of_operator(model, name, &types)
}

/// The schema of `=` between two values of this type, where it is not Postgres's own.
pub fn equality_schema(model: &Model, ty: &Type) -> Option<SmolStr> {
    schema_of_operator(model, "=", &[Ty::of(ty), Ty::of(ty)])
}

fn schema_of_operator(model: &Model, name: &str, types: &[Ty]) -> Option<SmolStr> {
    let all = specc_facts::operators(name).iter().filter(|v| v.args.len() == types.len());
    find(model, all, types, true)
}

/// The schema of the variant that Postgres takes, where it is not its own.
fn find(model: &Model, all: impl Iterator<Item = &'static Variant>, types: &[Ty], operator: bool) -> Option<SmolStr> {
    let known = |ty: &Ty| match ty {
        Ty::Known(ty) => extension_of(model, ty),
        _ => None,
    };
    let brought: Vec<&str> = types.iter().filter_map(known).collect();
    let there = |extension: &str| {
        extension == "-" || brought.contains(&extension) || model.extensions.iter().any(|e| e.name == extension)
    };
    let variants: Vec<&'static Variant> = all.filter(|v| there(v.extension)).collect();
    if variants.iter().all(|v| v.extension == "-") && brought.is_empty() {
        return None;
    }
    let fit = match resolve(model, variants.iter().copied(), types, operator) {
        Outcome::One(one, _) => return (one.extension != "-").then(|| extension_schema(model, one.extension)),
        Outcome::Several(fit, _) => fit,
        // What the tables lack, an extension that is not in them has for its own types.
        Outcome::None => Vec::new(),
    };
    let theirs = |extension: &&str| fit.is_empty() || fit.iter().any(|v| v.extension == *extension);
    let one = brought.into_iter().find(theirs).filter(|_| !array_only(types))?;
    Some(extension_schema(model, one))
}

/// Postgres's own operators take all arrays alike.
fn array_only(types: &[Ty]) -> bool {
    types.iter().all(|ty| !matches!(ty, Ty::Known(ty) if ty.dims == 0))
}

/// The schema of the function that an unqualified call means, where it is neither Postgres's own nor the spec's.
pub(super) fn function_schema(model: &Model, call: &Call) -> Option<SmolStr> {
    let name = call.function.name.as_str();
    if call.qualified || call.declared.is_some() || call.bare {
        return None;
    }
    let variants = specc_facts::functions(name);
    if variants.is_empty() {
        let grammar = specc_facts::grammar(name).is_some() || specc_facts::type_info(name).is_some();
        let made =
            || provided(model, &["function", "procedure", "aggregate"], name).or_else(|| unknown_extension(model));
        return if grammar { None } else { made() };
    }
    if variants.iter().all(|v| v.extension != "-") {
        let there = variants.iter().find(|v| model.extensions.iter().any(|e| e.name == v.extension));
        return Some(extension_schema(model, there.unwrap_or(&variants[0]).extension));
    }
    let types: Vec<Ty> = call.args.iter().map(|(_, arg)| of_formula(arg)).collect();
    find(model, variants.iter(), &types, false)
}

/// The SQL of a type with its schema, unless it is Postgres's own.
pub(super) fn type_sql(model: &Model, ty: &TypeName) -> SmolStr {
    let schema = ty.name.as_ref().filter(|_| !ty.sql.contains('.')).and_then(|name| type_schema(model, name));
    schema.map_or_else(|| ty.sql.clone(), |schema| format!("{}.{}", quote::ident(&schema), ty.sql).into())
}

/// The schema of a column's type, unless it is Postgres's own.
pub fn schema_of_type(model: &Model, ty: &Type) -> Option<SmolStr> {
    match &ty.base {
        Base::Named(name) if name.schema.is_empty() => type_schema(model, name),
        _ => None,
    }
}

/// `operator(public.=)`
pub fn qualified_operator(schema: &str, name: &str) -> String {
    format!("operator({}.{name})", quote::ident(schema))
}

/// The declared extensions whose types and functions the plain SQL in a formula over a row of `own` uses. Its operators are
/// not written with their schemas.
pub fn in_plain_sql<'m>(model: &'m Model, own: &Entity, formula: &Formula) -> Vec<&'m Extension> {
    let mut names: Vec<&str> = Vec::new();
    let mut text = |text: &str, tables: &[&Entity]| {
        let words = specc_expr::words(text);
        for word in &words {
            let variants = specc_facts::functions(word);
            if variants.iter().all(|v| v.extension != "-") {
                names.extend(variants.iter().map(|v| v.extension));
            }
        }
        let fields = tables.iter().flat_map(|entity| &entity.fields);
        let named = fields.filter(|field| words.contains(&field.name));
        names.extend(named.filter_map(|field| extension_of(model, &field.ty)));
    };
    formula.visit_all(model, &mut |part| match &part.node {
        Node::Sql(sql) => {
            let tables: Vec<&Entity> = sql.tables().map(|id| model.entity(id)).chain([own]).collect();
            for piece in &sql.pieces {
                match piece {
                    Piece::Text(sql) => text(sql, &tables),
                    Piece::Formula(Formula { node: Node::Column(Row::Scope(0), field), .. }) => {
                        text(&own.fields[*field].name, &[own]);
                    }
                    _ => {}
                }
            }
        }
        Node::AsIs(sql) => text(&sql.text, &[own]),
        _ => {}
    });
    model.extensions.iter().filter(|e| names.contains(&e.name.as_str())).collect()
}
