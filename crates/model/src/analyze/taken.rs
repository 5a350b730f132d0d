//! Names that Postgres would refuse because something else in the schema has them.

use crate::types::Model;
use rustc_hash::FxHashMap;
use specc_diag::{Diagnostic, codes};

/// Constraint and index names that two tables of a schema would share.
pub(super) fn constraint_names(model: &Model, out: &mut Vec<Diagnostic>) {
    let mut taken: FxHashMap<(&str, &str), specc_diag::Span> = FxHashMap::default();
    for entity in &model.entities {
        taken.insert((&entity.name.schema, &entity.name.name), entity.meta.span);
    }
    for view in &model.views {
        taken.insert((&view.name.schema, &view.name.name), view.meta.span);
    }
    for sequence in &model.sequences {
        taken.insert((&sequence.name.schema, &sequence.name.name), sequence.meta.span);
    }
    // Postgres names the indexes of partitions itself.
    let mut made: FxHashMap<(&str, smol_str::SmolStr), specc_diag::Span> = FxHashMap::default();
    for (entity, partition) in model.entities.iter().flat_map(|e| e.partitions.iter().map(move |p| (e, p))) {
        if entity.key.is_some() {
            let name = specc_catalog::conventional_name(&partition.name.name, None, "pkey");
            made.insert((&partition.name.schema, name), partition.span);
        }
    }
    for entity in model.entities.iter().filter(|e| !e.external) {
        for field in entity.fields.iter().filter(|f| f.identity.is_some()) {
            let name = specc_catalog::conventional_name(&entity.name.name, Some(&field.name), "seq");
            if let Some(other) = taken.get(&(entity.name.schema.as_str(), name.as_str())) {
                let message =
                    format!("the sequence `{name}` of the identity `{}` has a name that is taken", field.name);
                let found = Diagnostic::new(codes::NAME_COLLISION, field.meta.span, message);
                out.push(found.also(*other, "taken here").help("rename what is called so"));
            }
        }
        let key = entity.key.iter().map(|k| (&k.name, k.span));
        let uniques = entity.uniques.iter().map(|u| (&u.name, u.span));
        let excludes = entity.excludes.iter().map(|e| (&e.name, e.span));
        let indexes = entity.indexes.iter().map(|i| (&i.name, i.span));
        for (name, span) in key.chain(uniques).chain(excludes).chain(indexes) {
            if let Some(other) = made.get(&(entity.name.schema.as_str(), name.clone())) {
                taken.entry((&entity.name.schema, name)).or_insert(*other);
            }
            match taken.entry((&entity.name.schema, name)) {
                std::collections::hash_map::Entry::Vacant(slot) => {
                    slot.insert(span);
                }
                std::collections::hash_map::Entry::Occupied(other) => {
                    let message = format!("the index `{name}` of `{}` has a name that is taken", entity.name.name);
                    let found = Diagnostic::new(codes::NAME_COLLISION, span, message);
                    let help = format!("give it a name of its own: `… {}_2: (…)`", name);
                    out.push(found.also(*other.get(), "taken here").help(help));
                }
            }
        }
    }
}
