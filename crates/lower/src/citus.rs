//! What Citus refuses of what was made: triggers and subqueries on tables that it shares out.

use crate::Output;
use specc_catalog::{Kind, Object, ObjectId, TableName};
use specc_diag::{Diagnostic, Span, codes};
use specc_model::{Entity, EntityId, Home, Model, PLATFORM, STD, Target};
use specc_split::Lexer;
use std::collections::BTreeMap;

/// Whether the rows of an entity are on several servers, or on each.
pub(crate) fn is_shared(model: &Model, id: EntityId) -> bool {
    let entity = model.entity(id);
    let shared = entity.placement.as_ref().is_some_and(|placement| placement.home != Home::Local);
    shared && model.options.target == Target::Citus
}

pub(crate) fn check(model: &Model, out: &mut Output) {
    if model.options.target != Target::Citus {
        return;
    }
    let shared: BTreeMap<TableName, &Entity> = (model.entities.iter())
        .filter(|entity| is_shared(model, entity.id))
        .map(|entity| (TableName::new(entity.name.schema.clone(), entity.name.name.clone()), entity))
        .collect();
    let mut found = Vec::new();
    let mut triggers: BTreeMap<&TableName, Vec<&str>> = BTreeMap::new();
    for (_, entry) in out.catalog.iter() {
        match &entry.object {
            Object::Trigger(trigger) => {
                if let Some((table, _)) = shared.get_key_value(&trigger.table) {
                    triggers.entry(table).or_default().push(&trigger.name);
                }
            }
            Object::Policy(policy) => {
                let Some(entity) = shared.get(&policy.table) else { continue };
                let exprs = policy.using.iter().chain(&policy.check);
                let asks = exprs.clone().any(|expr| has_subquery(&expr.text));
                let reads = entry.depends.iter().any(|d| is_reader(out, model, &d.on));
                if asks || reads {
                    let rules: Vec<&str> = entry
                        .comment
                        .iter()
                        .flat_map(|text| text.lines())
                        .filter_map(|line| line.split(':').next())
                        .collect();
                    let rule = entity.rules.iter().find(|rule| rules.contains(&rule.name.as_str()));
                    let span = rule.map(|rule| rule.span).filter(|span| is_authors(model, *span));
                    let span = span.unwrap_or(entity.meta.span);
                    let names = if rules.is_empty() { policy.name.to_string() } else { rules.join("`, `") };
                    let message = format!("`{names}` of `{}` asks other rows than the one at hand", entity.name.name);
                    let help = "compare a column with what the session says: `tenant_id = claim('tenant_id')::uuid`, or a \
                                setting; or write `distribute as local`";
                    found.push(Diagnostic::new(codes::DISTRIBUTED_POLICY, span, message).help(help));
                }
            }
            _ => {}
        }
    }
    for (table, names) in triggers {
        let Some(entity) = shared.get(table) else { continue };
        // The author's own come first: the others follow from what else the entity says.
        let written =
            entity.triggers.iter().find(|own| names.contains(&own.name.as_str()) && is_authors(model, own.meta.span));
        let span = written.map_or(entity.meta.span, |own| own.meta.span);
        let list: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let message = format!("`{}` would have triggers: {}", entity.name.name, list.join(", "));
        let help = "write `distribute as local` for it, or leave out what they do: a check, a default or whoever writes can do it";
        found.push(Diagnostic::new(codes::DISTRIBUTED_TRIGGER, span, message).help(help));
    }
    out.diagnostics.extend(found);
}

/// Whether it is in a file of the author's: what std says of an entity is said of the entity.
fn is_authors(model: &Model, span: Span) -> bool {
    model.entities.iter().any(|e| e.meta.span.file == span.file && e.meta.area != STD && e.meta.area != PLATFORM)
}

fn has_subquery(text: &str) -> bool {
    Lexer::new(text).map_while(Result::ok).any(|token| token.is(text, "select"))
}

/// Whether it is a function that reads rows as its owner, which every server would do for itself.
fn is_reader(out: &Output, model: &Model, id: &ObjectId) -> bool {
    let function =
        out.catalog.get(id).filter(|_| id.kind == Kind::Function && id.schema == model.options.helper_schema);
    function.is_some_and(|entry| entry.depends.iter().any(|d| matches!(d.on.kind, Kind::Table | Kind::View)))
}
