//! `rls force` binds the role that applies, with whose rights helpers and triggers of ours read and write.

use crate::Output;
use crate::structure::table_of;
use rustc_hash::FxHashMap;
use specc_catalog::{Entry, Kind, Object, ObjectId};
use specc_diag::{Diagnostic, codes};
use specc_model::{Entity, Model, Rls, Target};

/// Reports each table with it that something of ours reads or writes past its rules. On Supabase the owner passes all.
pub(super) fn check(model: &Model, out: &mut Output) {
    let is_forced = |entity: &&Entity| entity.rls == Rls::Forced && !entity.external;
    if model.options.target == Target::Supabase || !model.entities.iter().any(|entity| is_forced(&entity)) {
        return;
    }
    // What works past the rules of a table first; what a trigger of it runs, where nothing else does.
    let (mut functions, mut past, mut fired) = (FxHashMap::default(), FxHashMap::default(), FxHashMap::default());
    for (id, entry) in out.catalog.iter().filter(|(_, entry)| is_past(model, entry)) {
        for need in &entry.depends {
            past.entry(&need.on).or_insert(id);
        }
        if id.kind == Kind::Function {
            functions.entry((&id.schema, &id.name)).or_insert(id);
        }
    }
    for (_, entry) in out.catalog.iter() {
        if let Object::Trigger(trigger) = &entry.object
            && let Some(function) = functions.get(&(&trigger.function.schema, &trigger.function.name))
        {
            fired.entry(trigger.table.id()).or_insert(*function);
        }
    }
    for entity in model.entities.iter().filter(is_forced) {
        let table = table_of(entity).id();
        let Some(ObjectId { schema, name, .. }) = past.get(&table).or_else(|| fired.get(&table)) else { continue };
        let message = format!(
            "`{}` has `rls force`, and `{schema}.{name}` works on it with its owner's rights",
            entity.name.name
        );
        let help = "leave out `rls force`, which binds nobody else";
        out.diagnostics.push(Diagnostic::new(codes::FORCED_ON_HELPERS, entity.meta.span, message).help(help));
    }
}

/// Whether it is one of ours that reads with its owner's rights, and does not say what happens where those are bound.
fn is_past(model: &Model, entry: &Entry) -> bool {
    match &entry.object {
        Object::Function(f) => {
            let fails = f.settings.iter().any(|(name, _)| name == "row_security");
            f.schema == model.options.helper_schema && f.security_definer && !fails
        }
        Object::View(v) => v.view.schema == model.options.helper_schema && !v.security_invoker,
        _ => false,
    }
}
