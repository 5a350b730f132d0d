//! Model to catalog: tables, policies, triggers and helpers that a spec asks for.
//!
//! [`lower`] is a total function of a model without errors. Its rooms: `structure` (tables, types, constraints, indexes,
//! views, functions, platform objects), `behaviour` (triggers for workflows, maintained values, limits, immutable
//! fields, webhooks), `access` (policies, the helpers they need, grants), `expr` (expressions of the spec to SQL).

mod access;
mod behaviour;
mod citus;
pub mod expr;
mod names;
mod structure;
mod types;

pub use behaviour::limits_of;
pub use structure::{external, hints};

use specc_catalog::{Catalog, Entry, Object};
use specc_diag::{Diagnostic, codes};
use specc_model::Model;

/// What should exist, with what only lowering can find wrong (cycles of policies, generated names that collide).
pub fn lower(model: &Model) -> (Catalog, Vec<Diagnostic>) {
    let mut out = Output { catalog: Catalog::new(), diagnostics: Vec::new() };
    let (_, rules) = rayon::join(
        || {
            structure::lower(model, &mut out);
            behaviour::lower(model, &mut out);
        },
        || access::rules(model),
    );
    access::lower(model, rules, &mut out);
    citus::check(model, &mut out);
    (out.catalog, out.diagnostics)
}

/// What the rooms add to.
pub(crate) struct Output {
    pub catalog: Catalog,
    pub diagnostics: Vec<Diagnostic>,
}

impl Output {
    /// Adds an object. The schema of the helpers comes with the first function or view in it.
    pub fn add(&mut self, model: &Model, entry: Entry) {
        let schema = match &entry.object {
            Object::Function(o) => &o.schema,
            Object::View(o) => &o.view.schema,
            _ => "",
        };
        if schema == model.options.helper_schema {
            structure::helper_schema(model, &mut self.catalog);
        }
        if schema == structure::depends::session_schema(model) {
            structure::session_schema(model, &mut self.catalog);
        }
        let id = entry.object.id();
        if let Some(span) = structure::declared(model, &id) {
            let message = format!("the {id} is what specc makes itself under this name");
            let found = Diagnostic::new(codes::NAME_COLLISION, span, message);
            self.diagnostics.push(found.help("give yours another name"));
            return;
        }
        self.catalog.insert(entry);
    }
}
