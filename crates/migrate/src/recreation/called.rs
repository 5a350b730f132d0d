//! What Postgres keeps the name of before for, when something is called otherwise: the columns of an inner query, and those
//! that a join makes one, go on to be called as they were, so that the text is no longer what a new database has.

use super::{Cause, Recreation};
use crate::change_set::ChangeSet;
use crate::place::OldPlace;
use crate::planner::Builder;
use specc_analysis::Target;
use specc_catalog::{Body, Object, Policy, Qualified};
use specc_sql::{Alter, Statement};

/// What is called otherwise, each once.
pub(super) fn causes(set: &ChangeSet<'_>) -> Vec<Cause> {
    let named = set.renamed.iter().filter(|renamed| renamed.part.is_some() || renamed.id.name != renamed.now.name);
    let mut places: Vec<OldPlace> = named.filter_map(|renamed| set.from.index_of(&renamed.now)).collect();
    places.sort_unstable();
    places.dedup();
    places.into_iter().map(Cause::Called).collect()
}

impl Recreation<'_, '_> {
    /// Policies, views and functions whose bodies Postgres has read are read anew; a materialized view is made again.
    pub(super) fn called(&mut self, object: OldPlace, work: &mut Vec<Cause>) {
        for (other, _) in self.dependents.get(&object).cloned().unwrap_or_default() {
            if self.apart.contains(&other) || self.changed.contains(&other) || !self.carries(other) {
                continue;
            }
            if matches!(self.from.object(other), Some(Object::View(o)) if o.materialized) {
                self.recreate(other, work);
                continue;
            }
            let pair = self.twin(other).map(|new| (other, new));
            self.actions.reread.extend(pair.filter(|pair| !self.actions.reread.contains(pair)));
        }
    }

    /// Whether Postgres keeps a name of before with the text of an object.
    pub(super) fn carries(&self, object: OldPlace) -> bool {
        let Some(object) = self.from.object(object) else { return false };
        let is_read = match object {
            Object::Function(o) => matches!(o.body, Body::Atomic(_)),
            Object::View(_) | Object::Policy(_) => true,
            _ => false,
        };
        is_read && self.texts.carries(object, &|target| self.is_called_otherwise(target))
    }

    fn is_called_otherwise(&self, target: &Target) -> bool {
        let (Target::Column(of, _)
        | Target::Columns(of)
        | Target::Relation(of)
        | Target::Function(of, _)
        | Target::Type(of)) = target
        else {
            return false;
        };
        let is = |id: &specc_catalog::ObjectId, of: &Qualified| id.name == of.name && id.schema == of.schema;
        self.renamed.iter().filter(|renamed| is(&renamed.now, of)).any(|renamed| match (target, &renamed.part) {
            (Target::Column(_, column), Some((_, now))) => column == now,
            (Target::Columns(_), part) => part.is_some(),
            (_, None) => renamed.id.name != renamed.now.name,
            _ => false,
        })
    }
}

impl<'d> Builder<'d, '_> {
    /// The statement with which Postgres reads the text of an object anew, where it is.
    pub(crate) fn read_anew(&self, object: &'d Object) -> Statement<'d> {
        let Object::Policy(to) = object else { return Statement::Replace(object) };
        let bare = Object::from(Policy { using: None, check: None, ..to.clone() });
        match self.arena.object(bare) {
            Object::Policy(from) => Statement::Alter(Alter::SetPolicy { from, to }),
            _ => Statement::Replace(object),
        }
    }
}
