//! Where rows are, if there are several servers: the calls by which Citus learns of it.

use super::tables::stated;
use super::{Room, table_of};
use smol_str::SmolStr;
use specc_catalog::{Dependency, Entry, Kind, ObjectId, Sql};
use specc_model::{Entity, Home, Model, Target, group};
use specc_sql::quote::{literal, qualified};

/// The block that says where the rows of an entity are; none where they are on the server that is asked.
pub(super) fn block(model: &Model, entity: &Entity) -> Option<ObjectId> {
    let shared = entity.placement.as_ref().is_some_and(|placement| placement.home != Home::Local);
    let name = || format!("distribution of {}.{}", entity.name.schema, entity.name.name);
    (shared && model.options.target == Target::Citus && !entity.external).then(|| ObjectId::new(Kind::Sql, "", name()))
}

pub(super) fn lower(room: &mut Room) {
    if room.model.options.target != Target::Citus {
        return;
    }
    room.each_entity(|ground, entity, made| {
        let model = ground.model;
        let (Some(id), Some(placement)) = (block(model, entity), &entity.placement) else { return };
        let table = literal(&qualified(&entity.name.schema, &entity.name.name));
        let mut depends = stated(model, entity);
        depends.push(Dependency::new(table_of(entity).id(), "it says where its rows are"));
        let parts = entity.partitions.iter();
        depends.extend(parts.map(|part| {
            let id = ObjectId::new(Kind::Table, part.name.schema.clone(), part.name.name.clone());
            Dependency::new(id, "it is distributed with its table")
        }));
        let up: SmolStr = match placement.home {
            Home::By { field, with } => {
                let column = literal(&entity.fields[field].name);
                let beside = match with {
                    Some(_) => {
                        let root = model.entity(group(model, entity.id));
                        depends.extend(block(model, root).map(|on| Dependency::new(on, "its rows are beside those")));
                        literal(&qualified(&root.name.schema, &root.name.name))
                    }
                    None => "'none'".to_owned(),
                };
                format!("select create_distributed_table({table}, {column}, colocate_with => {beside});").into()
            }
            Home::Reference => format!("select create_reference_table({table});").into(),
            Home::Local => return,
        };
        let down = format!("select undistribute_table({table});");
        let mut entry =
            Entry::new(Sql { name: id.name, up, down: Some(down.into()), last: false, provides: Vec::new() });
        entry.depends = depends;
        entry.area = entity.meta.area.clone();
        made.add(entry, placement.span);
    });
}
