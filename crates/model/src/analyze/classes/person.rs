//! Whose rows are a person's: by references, the shortest way there is, or by what the spec says.

use super::super::collect::Decls;
use super::super::fields::unknown_field;
use super::super::project::Project;
use crate::types::*;
use rustc_hash::FxHashMap;
use specc_diag::{Diagnostic, Span, codes};
use specc_syntax::ast;

/// Reads `person`, and follows the references to it.
pub(super) fn person(project: &Project<'_>, decls: &Decls<'_>, model: &mut Model, out: &mut Vec<Diagnostic>) {
    let mut first: Option<Span> = None;
    for (item, d) in &decls.persons {
        if let Some(first) = first {
            let found = Diagnostic::new(codes::DUPLICATE_NAME, item.at.0, "the person is declared twice");
            out.push(found.also(first, "first here").help("keep one of the two"));
            continue;
        }
        first = Some(item.at.0);
        let Some(root) = project.entity(&d.entity, out) else { continue };
        let entity = model.entity(root);
        let Some(key) = entity.key.as_ref().filter(|key| key.fields.len() == 1) else {
            let message = format!("a person is a row of `{}`, which has no key of one column", entity.name.name);
            let found = Diagnostic::new(codes::NO_KEY, d.entity.span(), message);
            out.push(found.also(entity.meta.span, "declared here").help("give it a key of one column"));
            continue;
        };
        let own = Link { fields: key.fields.clone(), of: None };
        let said = said(project, model, d, out);
        let mut reached = vec![Reached { entity: root, links: vec![own] }];
        accounts(model, root, &mut reached);
        follow(model, &said, &mut reached);
        for (entity, lines) in said.iter().filter(|(id, _)| reached.iter().all(|r| r.entity != **id)) {
            let message = format!("nothing leads from `{}` to a person", model.entity(*entity).name.name);
            let found = Diagnostic::new(codes::BAD_PERSON, lines[0].1, message);
            out.push(
                found.help("compare with the person's key, or with a column of an entity whose rows are a person's"),
            );
        }
        let meta = project.meta_in(&item.doc, &d.entity, None);
        let person = Person { meta, entity: root, reached };
        joined(model, &person, out);
        model.person = Some(person);
    }
}

/// What the spec says of the rows of an entity.
type Said = FxHashMap<EntityId, Vec<(Link, Span)>>;

fn said(project: &Project<'_>, model: &Model, d: &ast::PersonDecl, out: &mut Vec<Diagnostic>) -> Said {
    let mut said = Said::default();
    for line in &d.rows {
        let Some(id) = project.entity(&line.entity, out) else { continue };
        let columns = |id: EntityId, names: &[ast::Name], out: &mut Vec<Diagnostic>| -> Option<Vec<FieldIx>> {
            let entity = model.entity(id);
            let found = names.iter().map(|name| {
                let at = entity.field(&name.text);
                if at.is_none() {
                    out.push(unknown_field(entity, &name.text, name.at.0));
                }
                at
            });
            found.collect::<Vec<_>>().into_iter().collect()
        };
        let Some(fields) = columns(id, &line.columns, out) else { continue };
        let links = said.entry(id).or_default();
        match &line.of {
            None => links.extend(fields.into_iter().map(|at| (Link { fields: vec![at], of: None }, line.at.0))),
            Some((name, of)) => {
                let Some(other) = project.entity(name, out) else { continue };
                let Some(of) = columns(other, of, out) else { continue };
                if of.len() != fields.len() {
                    let message = format!("{} columns are compared with {}", fields.len(), of.len());
                    let found = Diagnostic::new(codes::BAD_PERSON, line.at.0, message);
                    out.push(found.help("name as many columns on both sides"));
                    continue;
                }
                links.push((Link { fields, of: Some((other, of)) }, line.at.0));
            }
        }
    }
    said.retain(|_, links| !links.is_empty());
    said
}

/// A key that is a reference leads to the account, whose row is the person's too.
fn accounts(model: &Model, root: EntityId, reached: &mut Vec<Reached>) {
    let mut at = root;
    loop {
        let entity = model.entity(at);
        let Some(key) = &entity.key else { return };
        let up = entity.outgoing.iter().map(|id| model.relation(*id)).find(|relation| relation.fields == key.fields);
        let Some(up) = up.filter(|up| reached.iter().all(|known| known.entity != up.to)) else { return };
        reached.push(Reached { entity: up.to, links: vec![Link { fields: up.to_fields.clone(), of: None }] });
        at = up.to;
    }
}

/// Adds what refers to rows that are a person's, round by round: the shortest way decides whose a row is, so that a
/// registration is the attendee's and not the organizer's of its event.
fn follow(model: &Model, said: &Said, reached: &mut Vec<Reached>) {
    let mut known: Vec<bool> = vec![false; model.entities.len()];
    reached.iter().for_each(|found| known[found.entity.0 as usize] = true);
    let mut open: Vec<EntityId> = model.entities.iter().map(|e| e.id).filter(|id| !known[id.0 as usize]).collect();
    loop {
        let find = |id: &EntityId| -> Option<Reached> {
            if let Some(lines) = said.get(id) {
                let all = lines.iter().all(|(link, _)| link.of.as_ref().is_none_or(|(to, _)| known[to.0 as usize]));
                return all
                    .then(|| Reached { entity: *id, links: lines.iter().map(|(link, _)| link.clone()).collect() });
            }
            let relations = model.entity(*id).outgoing.iter().map(|id| model.relation(*id));
            let links: Vec<Link> = relations
                .filter(|relation| known[relation.to.0 as usize])
                .map(|relation| Link {
                    fields: relation.fields.clone(),
                    of: Some((relation.to, relation.to_fields.clone())),
                })
                .collect();
            (!links.is_empty()).then_some(Reached { entity: *id, links })
        };
        let found: Vec<Reached> = open.iter().filter_map(find).collect();
        if found.is_empty() {
            return;
        }
        found.iter().for_each(|new| known[new.entity.0 as usize] = true);
        open.retain(|id| !known[id.0 as usize]);
        reached.extend(found);
    }
}

/// Classed columns by which rows refer to each other cannot be emptied.
fn joined(model: &Model, person: &Person, out: &mut Vec<Diagnostic>) {
    for reached in &person.reached {
        let entity = model.entity(reached.entity);
        for (at, field) in entity.fields.iter().enumerate().filter(|(_, field)| field.class.is_some()) {
            let outgoing = entity.outgoing.iter().map(|id| model.relation(*id));
            let incoming = entity.incoming.iter().map(|id| model.relation(*id));
            let joins = outgoing.map(|r| (r, &r.fields)).chain(incoming.map(|r| (r, &r.to_fields)));
            let join = joins.filter(|(_, fields)| fields.contains(&at)).map(|(relation, _)| relation).next();
            if let Some(relation) = join {
                let message = format!("`{}` cannot be erased: a reference is made of it", field.name);
                let found = Diagnostic::new(codes::BAD_PERSON, field.meta.span, message);
                let help = "refer to the row by a key that says nothing of the person";
                out.push(found.also(relation.span, "this reference").help(help));
            }
        }
    }
}
