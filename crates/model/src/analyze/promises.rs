//! Promises: read as rules are, and looked at for what no rule can keep.

use super::access::{actions, user_claims};
use super::exprs::Exprs;
use super::project::{Project, Seen};
use crate::effective;
use crate::scope::Scope;
use crate::types::*;
use crate::typing::{Expect, Place};
use smol_str::SmolStr;
use specc_diag::{Diagnostic, codes};
use specc_syntax::ast::{self, PromiseDecl};

/// One promise over the rows of `entity`. A line with a finding is left out.
pub(super) fn promise(
    project: &Project<'_>,
    exprs: &Exprs<'_>,
    entity: EntityId,
    d: &PromiseDecl,
    doc: &ast::Doc,
    out: &mut Vec<Diagnostic>,
) -> Promise {
    if d.lines.is_empty() {
        let found = Diagnostic::new(codes::EMPTY_PROMISE, d.text.at.0, format!("`{}` says nothing", d.text.text));
        out.push(found.help("add a line: `deny select to anon`"));
    }
    let lines = d.lines.iter().filter_map(|l| line(project, exprs, entity, l, out)).collect();
    Promise { text: d.text.text.clone(), doc: doc.clone(), lines, span: d.text.at.0 }
}

fn line(
    project: &Project<'_>,
    exprs: &Exprs<'_>,
    entity: EntityId,
    l: &ast::PromiseLine,
    out: &mut Vec<Diagnostic>,
) -> Option<PromiseLine> {
    let (actions, _) = actions(exprs.model, entity, &l.actions, out);
    let roles = project.roles(&l.roles, out);
    let scope = Scope::of(entity);
    let [when, becoming] = [&l.when, &l.becoming].map(|raw| {
        raw.as_ref().map(|raw| {
            user_claims(raw, out);
            exprs.get(raw, &scope, Expect::condition(Place::Policy), out)
        })
    });
    let other = l.actions.iter().find(|action| action.action.text != "update");
    if let (Some(raw), Some(other)) = (&l.becoming, other) {
        let message = "`becoming` is about the row that an update makes of another one";
        let found = Diagnostic::new(codes::POLICY_CLAUSE, raw.at.0, message).also(other.action.at.0, "no update");
        out.push(found.help("give `update` a line of its own; for a new row write `deny insert when …`"));
        return None;
    }
    if matches!(when, Some(None)) || matches!(becoming, Some(None)) {
        return None;
    }
    let (when, becoming) = (when.flatten(), becoming.flatten());
    Some(PromiseLine { deny: l.deny, actions, roles, when, unless: l.unless, becoming, span: l.at.0 })
}

/// Promises that no rule can keep or break, and those that are there twice.
pub(super) fn check(model: &Model, out: &mut Vec<Diagnostic>) {
    for entity in &model.entities {
        let table = &entity.name.name;
        let mut seen: Seen<SmolStr> = Seen::new();
        for promise in &entity.promises {
            let message = || {
                let message = format!("`{}` is promised of `{table}` twice", promise.text);
                (message, "join the lines of both, or say what each is about".to_owned())
            };
            seen.add(promise.text.clone(), promise.span, codes::DUPLICATE_NAME, message, out);
            let why = match entity.rls {
                Rls::Off => Some("has no row level security, so no rule decides about its rows"),
                _ if entity.external && entity.rules.is_empty() => {
                    Some("is external, and no rule of the spec is about it")
                }
                _ => None,
            };
            if let Some(why) = why {
                let found = Diagnostic::new(codes::UNKEPT_PROMISE, promise.span, format!("`{table}` {why}"));
                let help = "promise something of an entity with rules, or give this one rules";
                out.push(found.also(entity.meta.span, "declared here").help(help));
                continue;
            }
            for line in &promise.lines {
                for role in line.roles.iter().filter(|role| effective::bypasses(model, role)) {
                    let message = format!("`{role}` passes row level security, so no rule binds it");
                    let found = Diagnostic::new(codes::UNKEPT_PROMISE, line.span, message);
                    out.push(found.help("name roles that rules bind, such as `authenticated`"));
                }
            }
        }
    }
}
