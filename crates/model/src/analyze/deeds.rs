//! What bodies do to rows.

use crate::types::*;
use smol_str::SmolStr;
use specc_analysis::{Analysis, Change, Target};
use specc_catalog::Qualified as Name;
use std::collections::BTreeSet;

/// What a body that was looked through does.
pub(super) fn of(model: &Model, found: &Analysis) -> Deeds {
    let rows = found.changed.iter().filter_map(|(change, relation)| {
        let action = match change {
            Change::Insert => RuleAction::Insert,
            Change::Update => RuleAction::Update,
            Change::Delete => RuleAction::Delete,
        };
        Some((entity(model, relation)?, action))
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    rows.dedup();
    let stored =
        found.stored.iter().filter_map(|(target, place)| Some((column(model, target)?, read(model, found, *place))));
    let stored = stored.collect();
    Deeds { rows, stored, unread: found.unread || found.dynamic }
}

fn entity(model: &Model, name: &Name) -> Option<EntityId> {
    model.index.entities.get(&Qualified { schema: name.schema.clone(), name: name.name.clone() }).copied()
}

fn column(model: &Model, target: &Target) -> Option<(EntityId, FieldIx)> {
    let Target::Column(of, name) = target else { return None };
    let id = entity(model, of)?;
    Some((id, model.entity(id).field(name)?))
}

/// The columns that a value is made of which stands there: also those of variables that it names.
fn read(model: &Model, found: &Analysis, place: (usize, usize)) -> Vec<(EntityId, FieldIx)> {
    let (mut open, mut looked_at, mut all) = (vec![place], BTreeSet::<&SmolStr>::new(), BTreeSet::new());
    while let Some((start, end)) = open.pop() {
        let within = |from: usize, to: usize| start <= from && to <= end;
        let named = found.references.iter().filter(|reference| within(reference.start, reference.end));
        all.extend(named.filter_map(|reference| column(model, &reference.target)));
        for (_, _, name) in found.parameters.iter().filter(|(from, to, _)| within(*from, *to)) {
            if looked_at.insert(name) {
                open.extend(found.held.iter().filter(|(variable, _)| variable == name).map(|(_, place)| *place));
            }
        }
    }
    all.into_iter().collect()
}
