//! Parts of a table that goes to another schema, where something has their names until they get others: they stand under a third
//! name on the way.

use crate::arena::Arena;
use crate::change_set::ChangeSet;
use crate::place::{OldPlace, Planned};
use crate::strategies::in_place::turns::{aside, label_of, name_of, with_name};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{Kind, Object, ObjectId, Sequence, SequenceOptions, TableName};
use specc_diff::Renamed;
use specc_sql::{Alter, Statement};
use std::collections::BTreeMap;

/// What goes aside.
#[derive(Default)]
pub(super) struct Aside {
    /// By table or view as it will be called: its parts as they were called, and the third name of each.
    before: FxHashMap<ObjectId, Vec<(Object, SmolStr)>>,
    /// Sequences of identity columns, and what a rename names, as they will be called.
    pub renamed: FxHashSet<ObjectId>,
    /// Constraints, indexes and sequences that differ in nothing but the name.
    pub parts: FxHashSet<OldPlace>,
}

impl Aside {
    /// Finds it; what is made again has no name to keep.
    pub fn new(set: &ChangeSet<'_>, again: &FxHashSet<OldPlace>) -> Planned<Self> {
        let mut all = Self::default();
        let moves = |renamed: &&Renamed| {
            renamed.part.is_none()
                && matches!(renamed.id.kind, Kind::Table | Kind::View)
                && renamed.id.schema != renamed.now.schema
        };
        let moved: BTreeMap<TableName, &Renamed> = set
            .renamed
            .iter()
            .filter(moves)
            .map(|it| (TableName::new(it.now.schema.clone(), it.now.name.clone()), it))
            .collect();
        if moved.is_empty() {
            return Ok(all);
        }
        let held = held(set);
        let is_held =
            |schema: &SmolStr, name: &str| held.get(&(schema.clone(), name.into())).is_some_and(|many| *many > 1);
        for &(old, new) in set.relabelled.iter().filter(|pair| !again.contains(&pair.0)) {
            let (part, then) = (&set.from.entry(old)?.object, &set.to.entry(new)?.object);
            let Some(renamed) = table_of(part).and_then(|table| moved.get(table)) else { continue };
            // What is unique in its table meets nobody.
            if label_of(part)?.0.is_none() && is_held(&renamed.now.schema, name_of(part)?) {
                all.parts.insert(old);
                let third = (at(part, &renamed.id), aside(name_of(then)?));
                all.before.entry(renamed.now.clone()).or_default().push(third);
            }
        }
        for (table, renamed) in &moved {
            let own: FxHashSet<ObjectId> =
                set.to.table(table).map(|table| table.identity_sequences().collect()).unwrap_or_default();
            let object = |id: &ObjectId| set.from.get(id).map(|entry| &entry.object);
            let is_own = |id: &ObjectId| own.contains(id) || object(id).and_then(table_of) == Some(table);
            for part in set.renamed.iter().filter(|it| it.part.is_none() && is_own(&it.now)) {
                if is_held(&renamed.now.schema, &part.id.name) {
                    all.renamed.insert(part.now.clone());
                    let (schema, name) = (renamed.id.schema.clone(), part.id.name.clone());
                    let called = match object(&part.now) {
                        Some(object) => at(&with_name(object, name), &renamed.id),
                        None => {
                            Sequence { schema, name, ty: None, options: SequenceOptions::default(), owned_by: None }
                                .into()
                        }
                    };
                    let third = (called, aside(&part.now.name));
                    all.before.entry(renamed.now.clone()).or_default().push(third);
                }
            }
        }
        Ok(all)
    }

    /// The statements before a table gets its new schema.
    pub fn before<'d>(&mut self, renamed: &Renamed, arena: &'d Arena) -> Vec<Statement<'d>> {
        let parts = self.before.remove(&renamed.now).unwrap_or_default();
        let rename = |(from, to): (Object, SmolStr)| {
            Statement::Alter(Alter::Rename { from: arena.object(from), to: arena.text(to) })
        };
        parts.into_iter().map(rename).collect()
    }

    /// A part as it is called by then.
    pub fn called(part: &Object, then: &Object) -> Planned<Object> {
        Ok(with_name(part, aside(name_of(then)?)))
    }
}

/// How many have a name in a schema, of all that share them.
fn held(set: &ChangeSet<'_>) -> FxHashMap<(SmolStr, SmolStr), usize> {
    let was: FxHashMap<&ObjectId, &SmolStr> = set.renamed.iter().map(|it| (&it.now, &it.id.name)).collect();
    let mut held: FxHashMap<(SmolStr, SmolStr), usize> = FxHashMap::default();
    for (id, entry) in set.from.catalog.iter() {
        let before = || was.get(id).copied().unwrap_or(&id.name);
        let mut count =
            |schema: &SmolStr, name: &SmolStr| *held.entry((schema.clone(), name.clone())).or_default() += 1;
        match &entry.object {
            Object::Table(o) => {
                count(&o.table.schema, &o.table.name);
                for sequence in o.identity_sequences() {
                    count(&o.table.schema, was.get(&sequence).copied().unwrap_or(&sequence.name));
                }
            }
            Object::View(o) => count(&o.view.schema, &o.view.name),
            Object::Sequence(_) | Object::Index(_) => count(&id.schema, before()),
            Object::Constraint(o) if label_of(&entry.object).is_ok_and(|label| label.0.is_none()) => {
                count(&o.table.schema, &o.name);
            }
            _ => {}
        }
    }
    held
}

/// The table or view with which a part goes to another schema.
fn table_of(part: &Object) -> Option<&TableName> {
    match part {
        Object::Sequence(o) => o.owned_by.as_ref().map(|(table, _)| table),
        part => part.table(),
    }
}

/// The part where its table still is.
fn at(part: &Object, table: &ObjectId) -> Object {
    let mut part = part.clone();
    let name = TableName::new(table.schema.clone(), table.name.clone());
    match &mut part {
        Object::Constraint(o) => o.table = name,
        Object::Index(o) => o.table = name,
        Object::Sequence(o) => o.schema = name.schema,
        _ => {}
    }
    part
}
