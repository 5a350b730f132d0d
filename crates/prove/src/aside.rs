//! Ways to rows past the rules.

use crate::verdict::name;
use smol_str::SmolStr;
use specc_diag::Span;
use specc_model::effective::{PUBLIC, acts_as};
use specc_model::{Model, Object, Rls};

/// A way to rows past the rules.
#[derive(Clone, Debug)]
pub struct Aside {
    /// What it is, and whom it is open to.
    pub text: String,
    /// The roles that it is open to; none where that is not known.
    pub roles: Vec<SmolStr>,
    /// Whether properties are about it all the same.
    pub asked: bool,
    /// Where it is declared.
    pub span: Span,
}

/// Everything by which a role of the rules gets at rows past them, in the order of the spec.
pub fn asides(model: &Model) -> Vec<Aside> {
    let roles: Vec<_> = crate::roles(model).into_iter().map(|role| role.name).collect();
    let open = |to: &[SmolStr]| -> Vec<SmolStr> {
        let all = |role: &&SmolStr| {
            let all = acts_as(model, role);
            to.iter().any(|grantee| grantee == PUBLIC || all.contains(grantee))
        };
        roles.iter().filter(all).cloned().collect()
    };
    let listed = |roles: &[SmolStr]| roles.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(", ");
    let mut found = Vec::new();
    let mut push = |text: String, roles: Vec<SmolStr>, asked: bool, span: Span| {
        found.push(Aside { text, roles, asked, span });
    };
    for entity in model.entities.iter().filter(|entity| entity.rls == Rls::Off && !entity.external) {
        let granted = model.grants.iter().filter(|g| g.object == Object::Entity(entity.id) && !g.revoke);
        let to = open(&granted.flat_map(|grant| grant.roles.iter().cloned()).collect::<Vec<_>>());
        if !to.is_empty() {
            let table = name(model, entity.id);
            let text = format!("entity `{table}` has no row level security, and is granted to {}", listed(&to));
            push(text, to, false, entity.meta.span);
        }
    }
    for function in model.functions.iter().filter(|function| function.security_definer) {
        let to = open(&function.roles);
        if !to.is_empty() {
            let asked = crate::properties::is_looked_into(function);
            let body = if asked { "" } else { ", whose body is no query," };
            let name = &function.name.name;
            let text =
                format!("function `{name}`{body} runs with its owner's rights, and is called by {}", listed(&to));
            push(text, to, asked, function.meta.span);
        }
    }
    for view in model.views.iter().filter(|view| view.security_definer || view.materialized) {
        let to = open(&view.roles);
        if !to.is_empty() {
            let text =
                format!("view `{}` reads with its owner's rights, and is read by {}", view.name.name, listed(&to));
            push(text, to, true, view.meta.span);
        }
    }
    for table in model.realtime.iter().filter(|table| crate::is_guarded(model.entity(table.entity))) {
        let name = name(model, table.entity);
        let text =
            format!("realtime tells the keys of deleted rows of `{name}` to whoever listens, whatever the rules say");
        push(text, Vec::new(), false, table.span);
    }
    found
}
