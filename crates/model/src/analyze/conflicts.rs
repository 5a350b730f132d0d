//! The keys that `on conflict` names. They are looked for when every entity has its keys.

use super::project::Project;
use crate::types::*;
use smol_str::SmolStr;
use specc_analysis::{Analysis, ConflictTarget};
use specc_diag::{Diagnostic, Span, codes, nearest};

/// An `on conflict` that is looked at later.
#[derive(Debug)]
pub(crate) struct Pending {
    table: Qualified,
    target: ConflictTarget,
    span: Span,
}

/// Takes what a body that stands `at` says of keys.
pub(crate) fn pending(found: &mut Analysis, text: &str, at: Span) -> Vec<Pending> {
    let all = std::mem::take(&mut found.conflicts).into_iter();
    all.map(|c| Pending {
        table: Qualified { schema: c.relation.schema, name: c.relation.name },
        target: c.target,
        span: at.part_of(text, c.start, c.end),
    })
    .collect()
}

/// Reports what names no key.
pub(crate) fn check(project: &Project<'_>, model: &Model, pending: Vec<Pending>, out: &mut Vec<Diagnostic>) {
    for Pending { table, target, span } in pending {
        let Some(Object::Entity(id)) = project.relations.get(&table) else { continue };
        let entity = model.entity(*id);
        // A block may add a key to it.
        if entity.external || model.sql_blocks.iter().any(|block| block.up.contains(entity.name.name.as_str())) {
            continue;
        }
        let all: Vec<UniqueSet<'_>> = entity.unique_sets().collect();
        let name = &entity.name.name;
        let (message, help) = match target {
            ConflictTarget::Constraint(wanted) => {
                let names = all.iter().filter(|a| a.is_constraint).map(|a| a.name);
                let names: Vec<&SmolStr> = names.chain(entity.excludes.iter().map(|e| &e.name)).collect();
                if names.contains(&&wanted) {
                    continue;
                }
                let message = format!("`{name}` has no key or unique constraint `{wanted}`");
                let near = nearest(&wanted, names.iter().map(|name| name.as_str()));
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "name its columns: `on conflict (…)`".to_owned(),
                };
                (message, help)
            }
            ConflictTarget::Columns(names, filtered) => {
                let fields: Option<Vec<FieldIx>> = names.iter().map(|name| model.field(*id, name)).collect();
                // A column that is not there is said already.
                let Some(mut fields) = fields else { continue };
                fields.sort_unstable();
                fields.dedup();
                let fits = |a: &&UniqueSet<'_>| {
                    let same = a.fields.as_ref().is_some_and(|columns| {
                        let mut columns = columns.clone();
                        columns.sort_unstable();
                        columns.dedup();
                        columns == fields
                    });
                    same && !a.deferrable
                };
                let fitting: Vec<&UniqueSet<'_>> = all.iter().filter(fits).collect();
                if fitting.iter().any(|a| a.filter.is_none() || filtered) {
                    continue;
                }
                let list = names.join(", ");
                if let Some(partial) = fitting.first() {
                    let message = format!("`{}` is unique only where its condition holds", partial.name);
                    (message, format!("write its condition too: `on conflict ({list}) where …`"))
                } else {
                    let message = format!("`{name}` has no key and no unique index over just `{list}`");
                    (message, format!("declare `unique ({list})`, or name the columns of a key"))
                }
            }
        };
        out.push(Diagnostic::new(codes::CONFLICT_KEY, span, message).help(help));
    }
}
