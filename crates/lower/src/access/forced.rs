//! `rls force` binds the role that applies, with whose rights helpers and triggers of ours read and write.

use crate::Output;
use crate::structure::table_of;
use specc_catalog::{Catalog, Entry, Object};
use specc_diag::{Diagnostic, codes};
use specc_model::{Model, Rls, Target};

/// Reports each table with it that something of ours reads or writes past its rules. On Supabase the owner passes all.
pub(super) fn check(model: &Model, out: &mut Output) {
    if model.options.target == Target::Supabase {
        return;
    }
    for entity in model.entities.iter().filter(|entity| entity.rls == Rls::Forced && !entity.external) {
        let table = table_of(entity).id();
        let reads = |entry: &&Entry| is_past(model, entry) && entry.depends.iter().any(|need| need.on == table);
        let fires = |entry: &Entry| match &entry.object {
            Object::Trigger(trigger) if trigger.table.id() == table => called(model, &out.catalog, trigger),
            _ => None,
        };
        let found = entries(&out.catalog).find(reads).or_else(|| entries(&out.catalog).find_map(fires));
        let Some(name) = found.map(name) else { continue };
        let message =
            format!("`{}` has `rls force`, and `{name}` works on it with its owner's rights", entity.name.name);
        let help = "leave out `rls force`, which binds nobody else";
        out.diagnostics.push(Diagnostic::new(codes::FORCED_ON_HELPERS, entity.meta.span, message).help(help));
    }
}

/// The function of a trigger, where it runs as its owner.
fn called<'c>(model: &Model, catalog: &'c Catalog, trigger: &specc_catalog::Trigger) -> Option<&'c Entry> {
    let is = |entry: &&Entry| match &entry.object {
        Object::Function(f) => f.schema == trigger.function.schema && f.name == trigger.function.name,
        _ => false,
    };
    entries(catalog).find(is).filter(|entry| is_past(model, entry))
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

fn name(entry: &Entry) -> String {
    match &entry.object {
        Object::Function(f) => format!("{}.{}", f.schema, f.name),
        Object::View(v) => format!("{}.{}", v.view.schema, v.view.name),
        _ => String::new(),
    }
}

fn entries(catalog: &Catalog) -> impl Iterator<Item = &Entry> {
    catalog.iter().map(|(_, entry)| entry)
}
