//! What asks for whatever columns there are, when there are others.

use super::{Cause, Recreation};
use crate::place::OldPlace;
use specc_catalog::{Body, Object};

impl Recreation<'_, '_> {
    /// Views that read `*` are made again, and functions whose bodies Postgres has read are read again. A view that is not
    /// materialized is given the new name of a column like one that spells it out.
    pub(super) fn grown(&mut self, table: OldPlace, renamed: bool, work: &mut Vec<Cause>) {
        for (other, _) in self.dependents.get(&table).cloned().unwrap_or_default() {
            if self.apart.contains(&other) {
                continue;
            }
            match self.from.object(other) {
                Some(view @ Object::View(o)) if (o.materialized || !renamed) && self.texts.has_star(view) => {
                    self.recreate(other, work);
                }
                Some(function @ Object::Function(o))
                    if matches!(o.body, Body::Atomic(_))
                        && !self.changed.contains(&other)
                        && self.texts.has_star(function) =>
                {
                    let pair = self.twin(other).map(|new| (other, new));
                    self.actions.reread.extend(pair.filter(|pair| !self.actions.reread.contains(pair)));
                }
                _ => {}
            }
        }
    }

    /// The materialized views that are made again because of what they read with `*`, by old places.
    pub fn grown_views(&self, work: &[Cause]) -> Vec<OldPlace> {
        let tables = work.iter().filter_map(|cause| match cause {
            Cause::Grown(table, _) => Some(*table),
            _ => None,
        });
        let dependents = tables.flat_map(|table| self.dependents.get(&table).into_iter().flatten());
        let is_one = |object: Option<&Object>| matches!(object, Some(view @ Object::View(o)) if o.materialized && self.texts.has_star(view));
        dependents.map(|(other, _)| *other).filter(|&other| is_one(self.from.object(other))).collect()
    }

    /// Looks at the causes as if these views read nothing with `*`.
    pub fn leave_apart(&mut self, views: impl Iterator<Item = OldPlace>) {
        self.apart = views.collect();
    }
}
