//! References that need each other's rows: no row of any of the entities can be added by itself.

use crate::types::*;
use specc_diag::{Diagnostic, codes};

/// How far an entity is looked at.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    No,
    /// It is on the way from the entity that the search began at.
    OnTheWay,
    Done,
}

pub(crate) fn check(model: &Model, out: &mut Vec<Diagnostic>) {
    let needed = |relation: &&Relation| {
        let options = &relation.options;
        let later = options.deferrable && options.initially_deferred;
        let own = relation.from == relation.to || model.entity(relation.from).external;
        // a key that is another's key and the other way round has no type, which is said
        let typed = |field: &FieldIx| model.entity(relation.from).fields[*field].ty.base != Base::Unknown;
        !relation.nullable && !later && !own && relation.fields.iter().all(typed)
    };
    let mut next: Vec<Vec<&Relation>> = vec![Vec::new(); model.entities.len()];
    for relation in model.relations.iter().filter(needed) {
        next[relation.from.0 as usize].push(relation);
    }
    let mut seen = vec![Seen::No; model.entities.len()];
    for start in 0..model.entities.len() {
        // the way from the start, each entity with the reference that is followed next
        let mut way = vec![(start, 0)];
        if seen[start] != Seen::No {
            continue;
        }
        seen[start] = Seen::OnTheWay;
        while let Some((at, followed)) = way.last_mut() {
            let Some(relation) = next[*at].get(*followed) else {
                seen[*at] = Seen::Done;
                way.pop();
                continue;
            };
            *followed += 1;
            let to = relation.to.0 as usize;
            match seen[to] {
                Seen::No => {
                    seen[to] = Seen::OnTheWay;
                    way.push((to, 0));
                }
                Seen::OnTheWay => {
                    let from = way.iter().position(|(at, _)| *at == to).unwrap_or_default();
                    out.push(round(model, relation, way[from..].iter().map(|(at, _)| *at)));
                }
                Seen::Done => {}
            }
        }
    }
}

/// The references of a round, of which `last` closes it.
fn round(model: &Model, last: &Relation, entities: impl Iterator<Item = usize>) -> Diagnostic {
    let names: Vec<String> = entities.map(|at| format!("`{}`", model.entities[at].name.name)).collect();
    let first = names.first().cloned().unwrap_or_default();
    let others = names.get(1..).unwrap_or_default().join(", which needs one of ");
    let message = format!("a row of {first} needs one of {others}, which needs one of {first}");
    let help =
        "let one of the references be empty, with `?` behind its target, or make it `deferrable initially deferred`";
    Diagnostic::new(codes::REQUIRED_BOTH_WAYS, last.span, message).help(help)
}
