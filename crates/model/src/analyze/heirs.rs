//! Entities that inherit from others.

use super::collect::Decls;
use super::project::Project;
use super::{Looked, first_look};
use crate::types::*;
use specc_diag::{Diagnostic, codes};
use specc_syntax::ast::{self, MemberKind};

/// Looks again at entities that inherit, their parents' fields at hand; parents come first.
pub(super) fn with_parents<'a>(
    project: &Project<'a>,
    decls: &Decls<'a>,
    mut found: Vec<Looked<'a>>,
    out: &mut Vec<Diagnostic>,
) -> Vec<Looked<'a>> {
    let parents = |d: &ast::EntityDecl| -> Vec<usize> {
        let names = d.members.iter().filter_map(|m| match &m.kind {
            MemberKind::Inherits(list) => Some(list),
            _ => None,
        });
        // What leads nowhere is said with the second look.
        let entities = names.flatten().filter_map(|name| project.entity(name, &mut Vec::new()));
        entities.map(|id| id.0 as usize).collect()
    };
    let all = decls.entities.iter().enumerate().map(|(at, (_, d))| (at, parents(d)));
    let mut open: Vec<(usize, Vec<usize>)> = all.filter(|(_, parents)| !parents.is_empty()).collect();
    while !open.is_empty() {
        let waiting: Vec<usize> = open.iter().map(|(at, _)| *at).collect();
        let (ready, later): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|(_, parents)| parents.iter().all(|parent| !waiting.contains(parent)));
        if ready.is_empty() {
            // all that is left is in a circle, or inherits from one
            for (at, _) in &later {
                let entity = &found[*at].0;
                let message = format!("`{}` inherits from itself, or from what does", entity.name.name);
                let help = "remove one `inherits` of the circle";
                out.push(Diagnostic::new(codes::DEPENDENCY_CYCLE, entity.meta.span, message).help(help));
            }
            break;
        }
        for (at, parents) in ready {
            let (mut inherited, mut from): (Vec<Field>, _) = (Vec::new(), Vec::new());
            for parent in parents {
                for (nth, field) in found[parent].0.fields.iter().enumerate() {
                    if inherited.iter().all(|f| f.name != field.name) {
                        inherited.push(Field { inherited: true, immutable: false, relation: None, ..field.clone() });
                        from.push((EntityId(parent as u32), nth));
                    }
                }
            }
            let (item, d) = decls.entities[at];
            found[at] = first_look(project, EntityId(at as u32), item, d, &inherited);
            found[at].2.inherited = from;
        }
        open = later;
    }
    found
}
