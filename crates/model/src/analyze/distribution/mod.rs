//! Where the rows of each table are, if there are several servers: said, or by what refers to what.

mod check;

use super::expand::Expanded;
use super::fields::{anchor, unknown_field};
use super::project::Project;
use crate::types::*;
use specc_diag::{Diagnostic, Span, codes};
use specc_syntax::ast::{DistributeDecl, MemberKind};

/// Decides where the rows of each entity are, and says what Citus would refuse of that.
pub(super) fn distribution(
    project: &Project<'_>,
    model: &mut Model,
    expanded: &[Expanded<'_>],
    out: &mut Vec<Diagnostic>,
) {
    for (at, members) in expanded.iter().enumerate() {
        let mut found: Option<Placement> = None;
        for mem in &members.members {
            let MemberKind::Distribute(d) = &mem.member.kind else { continue };
            let before = out.len();
            let entity = &model.entities[at];
            match &found {
                Some(first) => {
                    let message = format!("`{}` says twice where its rows are", entity.name.name);
                    let again = Diagnostic::new(codes::BAD_DISTRIBUTION, d.at.0, message).label("again here");
                    out.push(again.also(first.span, "first here").help("keep one of the two"));
                }
                None => found = said(project, entity, d, out),
            }
            anchor(project, mem.via.as_ref(), &entity.name.name, &mut out[before..]);
        }
        model.entities[at].placement = found;
    }
    if model.options.target != Target::Citus {
        return;
    }
    derive(model);
    check::check(model, out);
}

/// What the author says.
fn said(project: &Project<'_>, entity: &Entity, d: &DistributeDecl, out: &mut Vec<Diagnostic>) -> Option<Placement> {
    let span = d.at.0;
    if entity.external {
        let message = format!("`{}` is not made here", entity.name.name);
        out.push(Diagnostic::new(codes::BAD_DISTRIBUTION, span, message).help("remove `distribute`"));
        return None;
    }
    let with = match &d.by {
        Some((_, Some(name))) => Some(project.entity(name, out)?),
        _ => None,
    };
    let mut bad = |span: Span, message: String, help: &str| {
        out.push(Diagnostic::new(codes::BAD_DISTRIBUTION, span, message).help(help));
    };
    let home = match (&d.by, &d.kind) {
        (Some((column, _)), _) => {
            let Some(field) = entity.field(&column.text) else {
                let unknown = unknown_field(entity, &column.text, column.at.0);
                out.push(unknown);
                return None;
            };
            if with == Some(entity.id) {
                bad(
                    span,
                    format!("`{}` cannot be beside itself", entity.name.name),
                    "name another entity after `with`",
                );
                return None;
            }
            Home::By { field, with }
        }
        (None, Some(word)) => match word.text.as_str() {
            "reference" => Home::Reference,
            "local" => Home::Local,
            other => {
                let message = format!("`{other}` is no sort of table that Citus knows");
                bad(
                    word.at.0,
                    message,
                    "write `distribute as reference`, `distribute as local` or `distribute by column`",
                );
                return None;
            }
        },
        (None, None) => return None,
    };
    Some(Placement { home, derived: false, span })
}

/// The column by which rows are distributed.
pub(crate) fn column(entity: &Entity) -> Option<FieldIx> {
    match entity.placement.as_ref()?.home {
        Home::By { field, .. } => Some(field),
        _ => None,
    }
}

/// Whether all that has to be unique in an entity has the column.
fn all_keys_have(entity: &Entity, field: FieldIx) -> bool {
    let has = |elements: &[Element]| elements.iter().any(|e| e.field() == Some(field));
    entity.key.as_ref().is_none_or(|key| key.fields.contains(&field))
        && entity.uniques.iter().all(|u| has(&u.elements))
        && entity.indexes.iter().filter(|i| i.unique).all(|i| has(&i.elements))
        && entity.excludes.iter().all(|x| x.elements.iter().any(|(e, op)| e.field() == Some(field) && op == "="))
}

/// What nobody said: beside what it refers to, where all keys have that column; on every server, where what is distributed
/// refers to it; else where it is asked for.
fn derive(model: &mut Model) {
    // Beside others, as long as that decides one more.
    loop {
        let mut found: Vec<(EntityId, Home)> = Vec::new();
        for entity in model.entities.iter().filter(|e| e.placement.is_none() && !e.external) {
            let beside = entity.outgoing.iter().map(|id| model.relation(*id)).find_map(|relation| {
                let target = model.entity(relation.to);
                let place = relation.to_fields.iter().position(|to| Some(*to) == column(target))?;
                let field = relation.fields[place];
                all_keys_have(entity, field).then_some(Home::By { field, with: Some(relation.to) })
            });
            found.extend(beside.map(|home| (entity.id, home)));
        }
        if found.is_empty() {
            break;
        }
        found.into_iter().for_each(|(id, home)| set(model, id, home));
    }
    loop {
        let needed = |entity: &&Entity| {
            entity.incoming.iter().any(|id| {
                let from = model.entity(model.relation(*id).from);
                matches!(from.placement.as_ref().map(|p| p.home), Some(Home::By { .. } | Home::Reference))
            })
        };
        let open = model.entities.iter().filter(|e| e.placement.is_none() && !e.external);
        let found: Vec<EntityId> = open.filter(needed).map(|entity| entity.id).collect();
        if found.is_empty() {
            break;
        }
        found.into_iter().for_each(|id| set(model, id, Home::Reference));
    }
    let rest: Vec<EntityId> = model.entities.iter().filter(|e| e.placement.is_none()).map(|e| e.id).collect();
    rest.into_iter().for_each(|id| set(model, id, Home::Local));
}

fn set(model: &mut Model, id: EntityId, home: Home) {
    let entity = &mut model.entities[id.0 as usize];
    entity.placement = Some(Placement { home, derived: true, span: entity.meta.span });
}

/// The entity whose rows decide where those of a group are: the end of the way of `with`.
pub fn group(model: &Model, id: EntityId) -> EntityId {
    let mut at = id;
    // A circle has no end: it is reported, and then anything will do.
    for _ in 0..model.entities.len() {
        match model.entity(at).placement.as_ref().map(|p| p.home) {
            Some(Home::By { with: Some(next), .. }) if next != id => at = next,
            _ => break,
        }
    }
    at
}
