//! What rules do not decide, and so no property is about.

use crate::verdict::name;
use specc_diag::Span;
use specc_model::effective::{PUBLIC, acts_as};
use specc_model::{Model, Object, Rls};

/// A way to rows past the rules.
#[derive(Clone, Debug)]
pub struct Aside {
    /// What it is, and whom it is open to.
    pub text: String,
    /// Where it is declared.
    pub span: Span,
}

/// Everything by which a role of the rules gets at rows past them, in the order of the spec.
pub fn asides(model: &Model) -> Vec<Aside> {
    let roles: Vec<_> = crate::roles(model).into_iter().map(|role| role.name).collect();
    let open = |to: &[smol_str::SmolStr]| {
        let mut found: Vec<&str> = Vec::new();
        for role in &roles {
            let all = acts_as(model, role);
            if to.iter().any(|grantee| grantee == PUBLIC || all.contains(grantee)) {
                found.push(role);
            }
        }
        found.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(", ")
    };
    let mut found = Vec::new();
    let mut push = |text: String, span: Span| found.push(Aside { text, span });
    for entity in model.entities.iter().filter(|entity| entity.rls == Rls::Off && !entity.external) {
        let granted = model.grants.iter().filter(|g| g.object == Object::Entity(entity.id) && !g.revoke);
        let to = open(&granted.flat_map(|grant| grant.roles.iter().cloned()).collect::<Vec<_>>());
        if !to.is_empty() {
            let table = name(model, entity.id);
            push(format!("entity `{table}` has no row level security, and is granted to {to}"), entity.meta.span);
        }
    }
    let asked = crate::properties::is_looked_into;
    for function in model.functions.iter().filter(|function| function.security_definer && !asked(function)) {
        let to = open(&function.roles);
        if !to.is_empty() {
            let name = &function.name.name;
            let text = format!(
                "function `{name}`, whose body is no query, runs with its owner's rights, and is called by {to}"
            );
            push(text, function.meta.span);
        }
    }
    for table in model.realtime.iter().filter(|table| crate::is_guarded(model.entity(table.entity))) {
        let table_name = name(model, table.entity);
        let text = format!(
            "realtime tells the keys of deleted rows of `{table_name}` to whoever listens, whatever the rules say"
        );
        push(text, table.span);
    }
    found
}
