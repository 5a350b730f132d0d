//! Indexes that policies and their helpers find rows by.

use crate::Output;
use crate::structure::indexes::plain;
use crate::structure::{names, table_of};
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use specc_catalog::{Entry, IndexKey, KeyOn, Kind, Object, ObjectId, Rule as Hold, TableName};
use specc_model::{Base, Entity, EntityId, FieldIx, Model};
use std::collections::{BTreeMap, BTreeSet};

/// Rows that are found by a column.
#[derive(Clone)]
pub(super) struct Lookup {
    pub entity: EntityId,
    pub field: FieldIx,
    /// All that is read of them, where they are many and nothing else is: an index that has these reads no row. Empty where
    /// that is not so.
    pub reads: Vec<FieldIx>,
}

impl Lookup {
    pub fn by(entity: EntityId, field: FieldIx) -> Self {
        Self { entity, field, reads: Vec::new() }
    }
}

/// The most columns that an index has for what is read through it, beside the one that it finds rows by.
const CARRIED: usize = 3;
/// Bytes of the widest of them.
const WIDEST: u32 = 16;

/// Adds the indexes that are missing: where no index, key or unique constraint leads with the column. One that the compiler
/// makes takes in what is read through it.
pub(super) fn add(model: &Model, out: &mut Output, wanted: &[Lookup]) {
    if wanted.is_empty() || !model.options.derive {
        return;
    }
    let mut led: FxHashSet<(TableName, SmolStr)> = FxHashSet::default();
    for (_, entry) in out.catalog.iter() {
        match &entry.object {
            Object::Index(i) if i.filter.is_none() && i.method == "btree" => {
                if let Some(KeyOn::Column(name)) = i.keys.first().map(|k| &k.on) {
                    led.insert((i.table.clone(), name.clone()));
                }
            }
            Object::Constraint(c) => {
                if let Hold::PrimaryKey { columns, .. } | Hold::Unique { columns, .. } = &c.rule
                    && let Some(first) = columns.first()
                {
                    led.insert((c.table.clone(), first.clone()));
                }
            }
            _ => {}
        }
    }
    for lookup in wanted {
        let entity = model.entity(lookup.entity);
        let table = TableName::new(entity.name.schema.clone(), entity.name.name.clone());
        let column = entity.fields[lookup.field].name.clone();
        if entity.external || !led.insert((table.clone(), column.clone())) {
            continue;
        }
        // An index of that name that does not serve (a partial one, say) keeps it.
        let name = (0..)
            .map(|n| if n == 0 { "idx".to_owned() } else { format!("idx{n}") })
            .map(|label| names::conventional(&table.name, &[&column], &label))
            .find(|name| !out.catalog.contains(&ObjectId::new(Kind::Index, table.schema.clone(), name.clone())))
            .unwrap_or_default();
        let index = plain(entity, name, "btree", &[lookup.field]);
        let mut entry = Entry::new(index);
        entry.comment = Some("Policies look rows up by this column.".into());
        entry.area = entity.meta.area.clone();
        out.add(model, entry);
    }
    carry(model, out, wanted);
}

/// Gives derived indexes the columns that are read of the rows that they find.
fn carry(model: &Model, out: &mut Output, wanted: &[Lookup]) {
    let mut read: BTreeMap<(EntityId, FieldIx), BTreeSet<FieldIx>> = BTreeMap::new();
    for lookup in wanted {
        let entity = model.entity(lookup.entity);
        let beside: Vec<FieldIx> = lookup.reads.iter().copied().filter(|field| *field != lookup.field).collect();
        if !entity.external && !beside.is_empty() && beside.iter().all(|field| is_narrow(model, entity, *field)) {
            read.entry((lookup.entity, lookup.field)).or_default().extend(beside);
        }
    }
    if read.is_empty() {
        return;
    }
    let mut derived: BTreeMap<(TableName, SmolStr), ObjectId> = BTreeMap::new();
    for (id, entry) in out.catalog.iter() {
        if let Object::Index(index) = &entry.object
            && let [IndexKey { on: KeyOn::Column(name), .. }] = &index.keys[..]
            && index.method == "btree"
            && !index.unique
            && index.filter.is_none()
        {
            derived.insert((index.table.clone(), name.clone()), id.clone());
        }
    }
    for ((entity, field), carried) in read {
        let entity = model.entity(entity);
        let name = |field: FieldIx| entity.fields[field].name.clone();
        let written = |id: &ObjectId| entity.indexes.iter().any(|index| index.name == id.name);
        let found = derived.get(&(table_of(entity), name(field))).filter(|id| !written(id));
        if carried.len() <= CARRIED
            && let Some(entry) = found.and_then(|id| out.catalog.get_mut(id))
            && let Object::Index(index) = &mut entry.object
        {
            index.include = carried.into_iter().map(name).collect();
            entry.comment = Some("Policies read what it includes, and not the rows.".into());
        }
    }
}

fn is_narrow(model: &Model, entity: &Entity, field: FieldIx) -> bool {
    let field = &entity.fields[field];
    let ty = model.under(&field.ty);
    let fits = match &ty.base {
        Base::Builtin(name) => specc_facts::fixed_length(name).is_some_and(|(length, _)| length <= WIDEST),
        Base::Enum(_) => true,
        _ => false,
    };
    fits && ty.dims == 0
}
