//! Name tables over a model.

use crate::types::*;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// Where each name leads.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// Entities by schema and name.
    pub entities: FxHashMap<Qualified, EntityId>,
    /// Relations by entity and path, and by entity and inverse (the flag tells: true for the way back).
    pub relations: FxHashMap<(EntityId, SmolStr), (RelationId, bool)>,
    /// Default inverses that several relations would share: each of these is `<entity>_by_<path>` instead.
    pub ambiguous: FxHashMap<(EntityId, SmolStr), Vec<RelationId>>,
    /// Predicates by name.
    pub predicates: FxHashMap<SmolStr, PredicateId>,
}

impl Entity {
    /// The place of the field called exactly `name`. Entities are narrow: looking at each name is quicker than a table,
    /// and takes no memory.
    pub fn field(&self, name: &str) -> Option<FieldIx> {
        self.fields.iter().position(|field| field.name == name)
    }
}

impl Model {
    /// The entity behind `id`.
    pub fn entity(&self, id: EntityId) -> &Entity {
        &self.entities[id.0 as usize]
    }

    /// The relation behind `id`.
    pub fn relation(&self, id: RelationId) -> &Relation {
        &self.relations[id.0 as usize]
    }

    /// The place of the field called `name`, exactly or else in lowercase, as SQL would have it.
    pub fn field(&self, entity: EntityId, name: &str) -> Option<FieldIx> {
        let entity = self.entity(entity);
        let lower = || name.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()).then(|| name.to_lowercase());
        entity.field(name).or_else(|| entity.field(&lower()?))
    }

    /// The relation that `name` follows from `entity`, and whether it is the way back (which may lead to many rows).
    pub fn step(&self, entity: EntityId, name: &str) -> Option<(&Relation, bool)> {
        let &(id, back) = self.index.relations.get(&(entity, name.into()))?;
        Some((self.relation(id), back))
    }
}
