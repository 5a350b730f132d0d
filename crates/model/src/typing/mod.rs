//! The types of expressions: names resolved, operators and functions found by Postgres's own rules, literals read as the
//! type that their place wants, and what Postgres refuses in a place refused here, with a span and a suggestion.
//!
//! One rule stands above the others: what may be right is not reported. Where a type cannot be known (a function of a
//! `sql` block, a table of another schema, an extension that is not in the tables), everything about it is accepted.

mod builtins;
mod calls;
mod captures;
mod casts;
mod elements;
mod expr;
mod functions;
pub(crate) mod kinds;
mod literals;
mod meanings;
mod names;
mod operators;
pub(crate) mod origin;
mod paths;
mod place;
mod query;
pub(crate) mod resolve;
mod same;
mod unknown;

pub(crate) use names::ambiguous_inverse;
pub use place::{Expect, Place};
pub(crate) use query::output_name;

use crate::formula::{Builder, Formula};
use crate::scope::Scope;
use crate::types::*;
use expr::Checker;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span};
use sqlparser::ast::{Expr as Ast, Query};
use std::sync::OnceLock;

/// Checks `ast`, the tree of `text`, which stands `at`, and returns what it means. For many expressions of one model,
/// keep a [`Typing`].
pub fn check(
    model: &Model,
    scope: &Scope,
    ast: &Ast,
    text: &str,
    at: Span,
    expect: Expect<'_>,
    out: &mut Vec<Diagnostic>,
) -> Formula {
    Typing::new(model).check(scope, ast, text, at, expect, out)
}

/// Types expressions over one model.
#[derive(Debug)]
pub struct Typing<'m> {
    pub(crate) model: &'m Model,
    names: OnceLock<Names>,
}

/// What is found by name, but has no table in the model.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub types: FxHashMap<Qualified, Base>,
    pub functions: FxHashMap<SmolStr, Vec<usize>>,
    pub views: FxHashMap<Qualified, usize>,
    /// Every declared extension is in the tables.
    pub closed: bool,
}

impl<'m> Typing<'m> {
    /// Over `model`, which has its names and types, but not yet its expressions.
    pub fn new(model: &'m Model) -> Self {
        Self { model, names: OnceLock::new() }
    }

    /// Checks `ast`, the tree of `text`, which stands `at`, and returns what it means, of the type that is wanted of it.
    pub fn check(
        &self,
        scope: &Scope,
        ast: &Ast,
        text: &str,
        at: Span,
        expect: Expect<'_>,
        out: &mut Vec<Diagnostic>,
    ) -> Formula {
        let mut checker = Checker::new(self, scope, text, at, expect.place, out);
        if let place::Want::DomainCheck(ty) = expect.want {
            checker.value = Some(ty.clone());
        }
        let ty = checker.expr(ast);
        let ty = checker.finish(ast, ty, expect);
        let meanings = checker.meanings;
        let formula = Builder::new(self.model, &meanings, scope, text, at).formula(ast);
        Formula { ty, ..formula }
    }

    /// Checks a query (a view's, for example) and returns its columns; `None` where they cannot be known.
    pub fn query(
        &self,
        query: &Query,
        text: &str,
        at: Span,
        out: &mut Vec<Diagnostic>,
    ) -> Option<Vec<(SmolStr, Type)>> {
        let scope = Scope::default();
        let mut checker = Checker::new(self, &scope, text, at, Place::Query, out);
        let columns = checker.query(query)?;
        Some(columns.into_iter().map(|(name, ty)| (name, ty.into_type())).collect())
    }

    pub(crate) fn names(&self) -> &Names {
        self.names.get_or_init(|| {
            let model = self.model;
            let mut names = Names { closed: true, ..Names::default() };
            for (i, e) in model.enums.iter().enumerate() {
                names.types.insert(e.name.clone(), Base::Enum(EnumId(i as u32)));
            }
            for (i, d) in model.domains.iter().enumerate() {
                names.types.insert(d.name.clone(), Base::Domain(DomainId(i as u32)));
            }
            for (i, c) in model.composites.iter().enumerate() {
                names.types.insert(c.name.clone(), Base::Composite(CompositeId(i as u32)));
            }
            for (i, f) in model.functions.iter().enumerate() {
                names.functions.entry(f.name.name.clone()).or_default().push(i);
            }
            for (i, v) in model.views.iter().enumerate() {
                names.views.insert(v.name.clone(), i);
            }
            names.closed = model.extensions.iter().all(|e| specc_facts::is_known_extension(&e.name));
            names
        })
    }

    /// Whether some `sql` block may declare `name`.
    pub(crate) fn sql_mentions(&self, name: &str) -> bool {
        self.model.sql_blocks.iter().any(|b| b.up.contains(name) || b.provides.iter().any(|(_, n)| n.name == name))
    }

    /// Whether `extension` is, or may be, there.
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        extension == "-" || self.model.extensions.iter().any(|e| e.name == extension) || self.sql_mentions(extension)
    }
}
