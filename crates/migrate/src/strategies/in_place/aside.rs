//! Parts of a table that goes to another schema, where something has their names until they get others: they stand under a third
//! name on the way.

use crate::arena::Arena;
use crate::change_set::ChangeSet;
use crate::place::{NewPlace, OldPlace, Planned};
use crate::strategies::in_place::table::temporary_name;
use crate::strategies::in_place::turns::{aside_to, label_of, name_of, with_name};
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
    /// Constraints, indexes and sequences that differ in nothing but the name, or not even in that.
    pub parts: Vec<(OldPlace, NewPlace)>,
    /// Sequences of identity columns under a third name, and the name that they had and get back.
    pub back: Vec<(Object, SmolStr)>,
    /// What goes, as it is called by then.
    pub gone: Vec<(OldPlace, Object)>,
}

impl Aside {
    /// Finds it; what is made again goes first, under a third name.
    pub fn new(set: &ChangeSet<'_>, again: &FxHashSet<OldPlace>) -> Planned<Self> {
        let mut all = Self::default();
        let moves = |renamed: &&Renamed| {
            renamed.part.is_none()
                && matches!(renamed.id.kind, Kind::Table | Kind::View)
                && renamed.id.schema != renamed.now.schema
        };
        // A view that is made again goes by its old name, and its indexes with it.
        let goes = |it: &&Renamed| {
            it.id.kind == Kind::View && set.from.index_of(&it.now).is_some_and(|view| again.contains(&view))
        };
        let moved: BTreeMap<TableName, &Renamed> = set
            .renamed
            .iter()
            .filter(|it| moves(it) && !goes(it))
            .map(|it| (TableName::new(it.now.schema.clone(), it.now.name.clone()), it))
            .collect();
        if moved.is_empty() {
            return Ok(all);
        }
        let held = held(set, &moved);
        let is_held =
            |schema: &SmolStr, name: &str| held.get(&(schema.clone(), name.into())).is_some_and(|many| *many > 1);
        let relabelled: FxHashMap<OldPlace, NewPlace> = set.relabelled.iter().copied().collect();
        let named: FxHashSet<&ObjectId> = set.renamed.iter().map(|it| &it.now).collect();
        for (old, id, entry) in set.from.places().filter(|(_, id, _)| !named.contains(id)) {
            let part = &entry.object;
            let Some(renamed) = table_of(part).and_then(|table| moved.get(table)) else { continue };
            // What is unique in its table meets nobody.
            if !matches!(id.kind, Kind::Constraint | Kind::Index | Kind::Sequence)
                || label_of(part)?.0.is_some()
                || !is_held(&renamed.now.schema, name_of(part)?)
            {
                continue;
            }
            let stays = relabelled.get(&old).copied().or_else(|| set.to.index_of(id));
            let third = match stays.filter(|_| !again.contains(&old)) {
                Some(new) => {
                    all.parts.push((old, new));
                    Self::third(&set.to.entry(new)?.object)?
                }
                None => {
                    let third = temporary_name(&[&renamed.id.schema, name_of(part)?, "gone"]);
                    all.gone.push((old, with_name(part, third.clone())));
                    third
                }
            };
            all.before.entry(renamed.now.clone()).or_default().push((at(part, &renamed.id), third));
        }
        let sequence = |schema: &SmolStr, name: SmolStr| -> Object {
            let options = SequenceOptions::default();
            Sequence { schema: schema.clone(), name, ty: None, options, owned_by: None }.into()
        };
        for (table, renamed) in &moved {
            let own: FxHashSet<ObjectId> =
                set.to.table(table).map(|table| table.identity_sequences().collect()).unwrap_or_default();
            let kept = set.from.table(table).into_iter().flat_map(|table| table.identity_sequences());
            for ObjectId { schema, name, .. } in kept.filter(|id| own.contains(id) && !named.contains(id)) {
                if is_held(&schema, &name) {
                    let third = aside_to(&schema, &name);
                    all.back.push((sequence(&schema, third.clone()), name.clone()));
                    let third = (sequence(&renamed.id.schema, name), third);
                    all.before.entry(renamed.now.clone()).or_default().push(third);
                }
            }
            let object = |id: &ObjectId| set.from.get(id).map(|entry| &entry.object);
            let is_own = |id: &ObjectId| own.contains(id) || object(id).and_then(table_of) == Some(table);
            let parts = set.renamed.iter().filter(|it| !matches!(it.now.kind, Kind::Table | Kind::View));
            for part in parts.filter(|it| it.part.is_none() && is_own(&it.now)) {
                if is_held(&renamed.now.schema, &part.id.name) {
                    all.renamed.insert(part.now.clone());
                    let (schema, name) = (renamed.id.schema.clone(), part.id.name.clone());
                    let called = match object(&part.now) {
                        Some(object) => at(&with_name(object, name), &renamed.id),
                        None => sequence(&schema, name),
                    };
                    let third = (called, aside_to(&part.now.schema, &part.now.name));
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
        Ok(with_name(part, Self::third(then)?))
    }

    fn third(then: &Object) -> Planned<SmolStr> {
        Ok(aside_to(&then.id().schema, name_of(then)?))
    }
}

/// How many have a name in a schema, of all that share them; what moves has it in both schemas.
fn held(set: &ChangeSet<'_>, moved: &BTreeMap<TableName, &Renamed>) -> FxHashMap<(SmolStr, SmolStr), usize> {
    let was: FxHashMap<&ObjectId, &SmolStr> = set.renamed.iter().map(|it| (&it.now, &it.id.name)).collect();
    let mut held: FxHashMap<(SmolStr, SmolStr), usize> = FxHashMap::default();
    for (id, entry) in set.from.catalog.iter() {
        let before = || was.get(id).copied().unwrap_or(&id.name);
        let left = table_of(&entry.object).and_then(|table| moved.get(table)).map(|renamed| &renamed.id.schema);
        let mut count = |schema: &SmolStr, name: &SmolStr| {
            for schema in left.into_iter().chain([schema]) {
                *held.entry((schema.clone(), name.clone())).or_default() += 1;
            }
        };
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

/// The table or view with which something goes to another schema.
fn table_of(part: &Object) -> Option<&TableName> {
    match part {
        Object::Sequence(o) => o.owned_by.as_ref().map(|(table, _)| table),
        Object::Table(o) => Some(&o.table),
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
