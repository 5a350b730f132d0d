//! What belongs to another role than the one that applies.

use super::access::target;
use super::collect::At;
use super::project::{Project, show};
use crate::effective;
use crate::types::{EntityId, Model, Object, Owned, Ownership, Qualified, Rls};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes};
use specc_syntax::ast;

/// Resolves each object of `owner role of …`.
pub(crate) fn owners(
    project: &Project<'_>,
    model: &Model,
    made: &FxHashMap<Qualified, (EntityId, usize)>,
    decls: &[At<'_, ast::OwnerDecl>],
    out: &mut Vec<Diagnostic>,
) -> Vec<Ownership> {
    let mut partitions: FxHashMap<&Qualified, (EntityId, usize)> = FxHashMap::default();
    for entity in model.entities.iter().filter(|_| !decls.is_empty()) {
        partitions.extend(entity.partitions.iter().enumerate().map(|(n, part)| (&part.name, (entity.id, n))));
    }
    let mut all: Vec<Ownership> = Vec::new();
    let mut said: FxHashMap<Owned, Span> = FxHashMap::default();
    for (_, d) in decls {
        project.check_role(&d.role, out);
        for object in &d.objects {
            let span = object.name.span();
            let part = partitions.get(&project.qualified(&object.name)).filter(|_| object.kind.is_none());
            let of = match part {
                Some(&(entity, part)) => Owned::Partition(entity, part),
                None => match target(project, model, made, object, out) {
                    Some((found, _)) => Owned::Object(found),
                    None => continue,
                },
            };
            if let Some((why, help)) = not_given(model, &of) {
                let message = format!("`{}` cannot be given to a role here: {why}", show(&object.name));
                out.push(Diagnostic::new(codes::NOT_OWNED, span, message).help(help));
                continue;
            }
            if let Some(&first) = said.get(&of) {
                let message = format!("`{}` would have two owners", show(&object.name));
                let found =
                    Diagnostic::new(codes::TWO_OWNERS, span, message).also(first, "the first one is given here");
                out.push(found.help("leave one of the two"));
                continue;
            }
            said.insert(of.clone(), span);
            all.push(Ownership { role: d.role.text.clone(), of, span });
        }
    }
    all
}

/// Rules for a role that owns what they are about, which no rule binds.
pub(super) fn rules_for_owners(model: &Model, out: &mut Vec<Diagnostic>) {
    for ownership in &model.owners {
        let Owned::Object(Object::Entity(id)) = ownership.of else { continue };
        let entity = model.entity(id);
        for rule in entity.rules.iter().filter(|rule| entity.rls == Rls::On && !rule.exact) {
            let owns = |role: &&SmolStr| effective::acts_as(model, role).contains(&ownership.role);
            let Some(role) = rule.roles.iter().find(owns) else { continue };
            let name = &entity.name.name;
            let message = match *role == ownership.role {
                true => format!("`{}` is for `{role}`, which owns `{name}`: no rule binds it", rule.name),
                false => format!(
                    "`{}` is for `{role}`, which has the rights of `{}`, the owner of `{name}`: no rule binds it",
                    rule.name, ownership.role
                ),
            };
            let found = Diagnostic::new(codes::RULE_FOR_OWNER, rule.span, message)
                .also(ownership.span, "it is given away here");
            out.push(found.help("give it to a role that nobody works as, or add `rls force`"));
        }
    }
}

/// Why something has no owner of its own in the spec, and what to do.
fn not_given(model: &Model, of: &Owned) -> Option<(&'static str, &'static str)> {
    const OTHERS: (&str, &str) = ("somebody else makes it", "remove it from the list");
    const TABLES: (&str, &str) = ("it belongs to the owner of its column's table", "give the table to the role");
    let Owned::Object(object) = of else { return None };
    match object {
        Object::Entity(id) if model.entity(*id).external => Some(OTHERS),
        Object::Schema(name) if !model.schemas.iter().any(|s| s.name == *name && !s.external) => Some(OTHERS),
        Object::Identity(..) => Some(TABLES),
        Object::Sequence(at) if model.sequences[*at].owned_by.is_some() => Some(TABLES),
        Object::Sql(_) => Some(("a block makes it", "write `alter … owner to …` into the block")),
        _ => None,
    }
}
