//! Values that are compared with each other.

use crate::sorts::Val;
use crate::spare::Spare;
use specc_model::{Base, EntityId, EnumId, FieldIx, Model};
use std::collections::BTreeSet;

/// A set of values that are compared with each other.
#[derive(Clone, Debug, Default)]
pub struct Sort {
    /// Constants that they are compared with.
    pub constants: BTreeSet<Val>,
    /// Whether more than equality is asked.
    pub ordered: bool,
    /// Columns of it.
    pub fields: Vec<(EntityId, FieldIx)>,
    /// Those that are keys by themselves and refer to nothing, in the order of the entities.
    pub keys: Vec<(EntityId, FieldIx)>,
    /// The enum of one of them.
    pub labels: Option<EnumId>,
    /// How many values decide beside the constants.
    pub spare: Spare,
}

impl Sort {
    /// What its columns are, looked up once.
    pub fn look_at(&mut self, model: &Model) {
        let is_key = |(entity, field): &&(EntityId, FieldIx)| {
            let entity = model.entity(*entity);
            let alone = entity.key.as_ref().is_some_and(|key| key.fields == [*field]);
            alone && !entity.outgoing.iter().any(|id| model.relation(*id).fields.contains(field))
        };
        self.keys = self.fields.iter().filter(is_key).copied().collect();
        self.keys.sort();
        self.labels = self.fields.iter().find_map(|(entity, field)| {
            let ty = &model.entity(*entity).fields[*field].ty;
            match ty.base {
                Base::Enum(label) if ty.dims == 0 => Some(label),
                _ => None,
            }
        });
    }

    /// Whether the key of an entity is one of its columns.
    pub fn is_key_of(&self, entity: EntityId) -> bool {
        self.keys.binary_search_by_key(&entity, |(of, _)| *of).is_ok()
    }
}
