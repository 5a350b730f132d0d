//! The old catalog as it is called after the renames.

use crate::names::{Names, Texts};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_analysis::catalog::Known;
use specc_catalog::{
    Catalog, Entry, Hints, IdRef, Kind, Object, ObjectId, Rename, TableName, conventional_name, sequence_of,
};
use std::hash::Hash;

/// Something that gets another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// The object: its parents are called as they will be, itself (unless a part of it is renamed) as it was.
    pub id: ObjectId,
    /// The object as it will be called.
    pub now: ObjectId,
    /// A column, label or attribute of it: as it was, and as it will be.
    pub part: Option<(SmolStr, SmolStr)>,
}

/// The old catalog with new names, and the renames in an order in which they can be done, but for circles. None where nothing
/// is renamed: a `was` counts only while the old name is there and the new one is not, or is on its way to another one.
pub(crate) fn apply(from: &Catalog, to: &Catalog, hints: &Hints) -> Option<(Catalog, Vec<Renamed>)> {
    if hints.renames.is_empty() {
        return None;
    }
    let mut names = Names::default();
    let mut renamed = Vec::new();
    let mut parts = None;
    let mut moved = Vec::new();
    let mut hinted: Vec<_> = hints.renames.iter().collect();
    // What contains others first.
    let contains = |kind: Kind| (kind != Kind::Schema, !matches!(kind, Kind::Table | Kind::View));
    let rank = |rename: &Rename| (rename.part.is_some(), contains(rename.id.kind), rename.id.kind);
    hinted.sort_by_key(|rename| rank(rename));
    for group in hinted.chunk_by(|a, b| rank(a) == rank(b)) {
        if group.iter().any(|rename| rename.part.is_some()) {
            for (old, rename, part) in part_moves(group, &names, from, to) {
                names.add_part(&old, &rename.was, part);
                let part = Some((rename.was.clone(), part.clone()));
                renamed.push(Renamed { id: rename.id.clone(), now: rename.id.clone(), part });
            }
            continue;
        }
        for (was, now) in moves(group, &names, from, to) {
            // It may have gone there with its table.
            let mut id = ObjectId { schema: was.schema.clone(), name: was.name.clone(), ..now.clone() };
            names.schema(&mut id.schema);
            if let Some((schema, _)) = names.others.get(&(was.kind, was.schema.clone(), was.name.clone())) {
                id.schema = schema.clone();
            }
            names.add(&was, now);
            if id.schema != now.schema && matches!(id.kind, Kind::Table | Kind::View) {
                let parts = parts.get_or_insert_with(|| parts_by_table(from));
                let table = TableName::new(was.schema.clone(), was.name.clone());
                for part in parts.get(&table).into_iter().flatten() {
                    names.add(part, &ObjectId { schema: now.schema.clone(), ..(*part).clone() });
                    moved.push(*part);
                }
            }
            if id != *now {
                renamed.push(Renamed { id, now: now.clone(), part: None });
            }
        }
    }
    if renamed.is_empty() {
        return None;
    }
    names.add_identities(from, to, &mut renamed);
    names.add_signatures(from);
    names.add_overloads(from, &mut renamed);
    let texts = Texts { from: Known::new(from), to: Known::new(to) };
    names.keep_apart(&moved, from, to, &texts, &mut renamed);
    for (id, was, now) in names.view_columns(from, to, &texts) {
        renamed.push(Renamed { id: id.clone(), now: id, part: Some((was, now)) });
    }
    names.follow_bodies(from, to, &texts, &mut renamed);
    let mut out = Catalog::new();
    out.default_grantees.clone_from(&from.default_grantees);
    out.said.kept.clone_from(&from.said.kept);
    for kept in &mut out.said.kept {
        for column in [&mut kept.column, &mut kept.old] {
            names.column(&kept.table, column);
        }
        names.table(&mut kept.table);
    }
    out.reserve(from.len());
    for (_, entry) in from.iter() {
        let mut now = entry.clone();
        names.entry(&mut now, &texts);
        names.spell(entry, &mut now, to, &texts);
        out.insert(now);
    }
    Some((out, renamed))
}

/// The objects of one kind that get another name: what they were, and what they will be. Whose name is free comes first.
fn moves<'h>(group: &[&'h Rename], names: &Names, from: &Catalog, to: &Catalog) -> Vec<(ObjectId, &'h ObjectId)> {
    let old_of = |rename: &Rename| {
        let own = ObjectId { name: rename.was.clone(), ..rename.id.clone() };
        match &rename.was_in {
            Some(schema) => ObjectId { schema: schema.clone(), ..own },
            // It may be in the schema that its table was in.
            None => Some(names.old(&own)).filter(|old| old.name == own.name).unwrap_or_else(|| names.old_parents(&own)),
        }
    };
    let all: Vec<_> = group
        .iter()
        .map(|&rename| (old_of(rename), names.old_parents(&rename.id), rename))
        .filter(|(was, _, rename)| is_there(from, was) && is_there(to, &rename.id))
        .collect();
    let order = free_first(&all, |(was, ..)| was, |(_, now, _)| now, |now| is_there(from, now));
    order.into_iter().map(|at| (all[at].0.clone(), &all[at].2.id)).collect()
}

/// The same of columns, labels and attributes.
fn part_moves<'h>(
    group: &[&'h Rename],
    names: &Names,
    from: &Catalog,
    to: &Catalog,
) -> Vec<(ObjectId, &'h Rename, &'h SmolStr)> {
    let mut all = Vec::new();
    for &rename in group {
        let Some(part) = &rename.part else { continue };
        let old = names.old(&rename.id);
        if parts_of(from, &old).contains(&rename.was) && parts_of(to, &rename.id).contains(part) {
            all.push(((old.clone(), rename.was.clone()), (old, part.clone()), (rename, part)));
        }
    }
    let is_there = |(id, part): &(ObjectId, SmolStr)| parts_of(from, id).contains(part);
    let order = free_first(&all, |(was, ..)| was, |(_, now, _)| now, is_there);
    order.into_iter().map(|at| (all[at].0.0.clone(), all[at].2.0, all[at].2.1)).collect()
}

/// Which of the renames can be done: those to a name that is free, or that its owner leaves by one of the others. First
/// those to a free name, each followed by the one to the name that it leaves; then circles, each in one piece.
fn free_first<T, N: Eq + Hash>(
    all: &[T],
    was: impl Fn(&T) -> &N,
    now: impl Fn(&T) -> &N,
    is_taken: impl Fn(&N) -> bool,
) -> Vec<usize> {
    let mut by_was: FxHashMap<&N, usize> = FxHashMap::default();
    let mut by_now: FxHashMap<&N, usize> = FxHashMap::default();
    for (at, one) in all.iter().enumerate().filter(|(_, one)| was(one) != now(one)) {
        // The first to name something has it.
        if !by_was.contains_key(was(one)) && !by_now.contains_key(now(one)) {
            by_was.insert(was(one), at);
            by_now.insert(now(one), at);
        }
    }
    let mut order: Vec<usize> = Vec::new();
    let mut done = FxHashSet::default();
    let mut follow = |start: usize, order: &mut Vec<usize>| {
        let mut next = Some(start);
        while let Some(at) = next.filter(|at| done.insert(*at)) {
            order.push(at);
            next = by_now.get(was(&all[at])).copied();
        }
        done.len()
    };
    let known = |at: &usize| by_was.get(was(&all[*at])) == Some(at);
    for at in (0..all.len()).filter(known) {
        if !is_taken(now(&all[at])) {
            follow(at, &mut order);
        }
    }
    for at in (0..all.len()).filter(known) {
        // A chain that ends at a name whose owner stays leads nowhere.
        let mut end = at;
        let is_circle = (0..all.len()).any(|_| match by_was.get(now(&all[end])) {
            Some(&next) => {
                end = next;
                next == at
            }
            None => false,
        });
        if is_circle {
            follow(at, &mut order);
        }
    }
    order
}

/// What goes to another schema with its table: indexes, and sequences that its columns own.
fn parts_by_table(catalog: &Catalog) -> FxHashMap<TableName, Vec<&ObjectId>> {
    let mut all: FxHashMap<TableName, Vec<&ObjectId>> = FxHashMap::default();
    for (id, entry) in catalog.iter() {
        let table = match &entry.object {
            Object::Index(o) => Some(&o.table),
            Object::Sequence(o) => o.owned_by.as_ref().map(|(table, _)| table),
            _ => None,
        };
        if let Some(table) = table {
            all.entry(table.clone()).or_default().push(id);
        }
    }
    all
}

fn is_there(catalog: &Catalog, id: &ObjectId) -> bool {
    match id.kind {
        // Whatever its parameters.
        Kind::Function => catalog
            .iter()
            .any(|(other, _)| other.kind == Kind::Function && other.schema == id.schema && other.name == id.name),
        _ => catalog.contains(id),
    }
}

fn parts_of(catalog: &Catalog, id: &ObjectId) -> Vec<SmolStr> {
    match catalog.get(id).map(|entry| &entry.object) {
        Some(Object::Table(o)) => o.columns.iter().map(|column| column.name.clone()).collect(),
        Some(Object::Enum(o)) => o.labels.clone(),
        Some(Object::Composite(o)) => o.fields.iter().map(|field| field.0.clone()).collect(),
        _ => Vec::new(),
    }
}

impl Names {
    /// Functions are told apart by the names of types.
    fn add_signatures(&mut self, from: &Catalog) {
        for (_, entry) in from.iter() {
            let Object::Function(function) = &entry.object else { continue };
            let mut now = function.clone();
            now.params.iter_mut().for_each(|param| self.ty(&mut param.ty));
            let (was, now) = (function.signature(), now.signature());
            if was != now {
                self.signatures.insert(was, now);
            }
        }
    }

    /// All functions of a name go by the new one: each is renamed by itself.
    fn add_overloads(&self, from: &Catalog, renamed: &mut Vec<Renamed>) {
        let mut functions: FxHashMap<&SmolStr, Vec<&ObjectId>> = FxHashMap::default();
        for (id, _) in from.iter().filter(|(id, _)| id.kind == Kind::Function) {
            functions.entry(&id.name).or_default().push(id);
        }
        let all = std::mem::take(renamed);
        for one in all {
            if one.now.kind != Kind::Function || one.part.is_some() {
                renamed.push(one);
                continue;
            }
            for id in functions.get(&one.id.name).into_iter().flatten() {
                let mut now = ObjectId::clone(id);
                self.id(&mut now);
                if (&now.schema, &now.name) == (&one.now.schema, &one.now.name) {
                    renamed.push(Renamed {
                        id: ObjectId { part: now.part.clone(), ..one.id.clone() },
                        now,
                        part: None,
                    });
                }
            }
        }
    }

    /// What came to another schema with its table and met its own name there goes by the one that it will have, or by a third
    /// one: no two objects have one id.
    fn keep_apart(
        &mut self,
        moved: &[&ObjectId],
        from: &Catalog,
        to: &Catalog,
        texts: &Texts<'_>,
        renamed: &mut Vec<Renamed>,
    ) {
        let called = |names: &Self, id: &ObjectId| {
            let mut id = id.clone();
            names.id(&mut id);
            id
        };
        let kinds: FxHashSet<Kind> = moved.iter().map(|part| part.kind).collect();
        let mut held: FxHashMap<ObjectId, usize> = FxHashMap::default();
        let alike = from.iter().filter(|(id, _)| kinds.contains(&id.kind));
        alike.for_each(|(id, _)| *held.entry(called(self, id)).or_default() += 1);
        for may_be_third in [false, true] {
            for &part in moved {
                let met = called(self, part);
                let is_met = held.get(&met).is_some_and(|many| *many > 1) && !renamed.iter().any(|it| it.now == met);
                let Some(entry) = from.get(part).filter(|_| is_met) else { continue };
                let mut entry = entry.clone();
                self.entry(&mut entry, texts);
                let plain = nameless(&entry);
                let mut same = to.iter().filter(|(id, other)| {
                    id.kind == part.kind
                        && !held.contains_key(id)
                        && other.object.table() == entry.object.table()
                        && nameless(other) == plain
                });
                let now = match same.next() {
                    Some((id, _)) => id.clone(),
                    None if may_be_third => {
                        let third = |n: usize| conventional_name(&part.name, None, &format!("_moved{n}"));
                        let mut all = (1..).map(|n| ObjectId { name: third(n), ..met.clone() });
                        let Some(id) = all.find(|id| !held.contains_key(id) && !to.contains(id)) else { continue };
                        id
                    }
                    None => continue,
                };
                held.insert(met.clone(), held[&met] - 1);
                held.insert(now.clone(), 1);
                self.add(part, &now);
                renamed.push(Renamed { id: ObjectId { name: part.name.clone(), ..met }, now, part: None });
            }
        }
    }

    /// The sequences of identity columns, which are called by their table and column, where either has another name.
    fn add_identities(&mut self, from: &Catalog, to: &Catalog, renamed: &mut Vec<Renamed>) {
        let touched = |table: &TableName| {
            self.columns.contains_key(table)
                || self.others.contains_key(&(Kind::Table, table.schema.clone(), table.name.clone()))
        };
        // Some have been called otherwise by hand.
        let by_hand = |entry: &&Entry| matches!(&entry.object, Object::Sql(o) if o.provides.iter().any(|id| id.kind == Kind::Sequence));
        let blocks = from.iter().map(|(_, entry)| entry).filter(by_hand);
        let odd: FxHashSet<ObjectId> = blocks
            .flat_map(|entry| entry.dependencies().iter().map(|need| need.on.clone()).collect::<Vec<_>>())
            .collect();
        let tables = from.iter().filter_map(|(id, entry)| match &entry.object {
            Object::Table(o) if touched(&o.table) && !odd.contains(id) => Some(o),
            _ => None,
        });
        for old in tables.collect::<Vec<_>>() {
            let mut now = old.table.clone();
            self.table(&mut now);
            let Some(Object::Table(new)) = to.get(&now.id()).map(|entry| &entry.object) else { continue };
            for column in old.columns.iter().filter(|column| column.identity.is_some()) {
                let mut name = column.name.clone();
                self.column(&old.table, &mut name);
                if !new.columns.iter().any(|other| other.name == name && other.identity.is_some()) {
                    continue;
                }
                let (was, called) = (sequence_of(&old.table, &column.name), sequence_of(&now, &name));
                if was != called {
                    self.add(&was, &called);
                }
                if was.name != called.name {
                    let id = ObjectId { name: was.name, ..called.clone() };
                    renamed.push(Renamed { id, now: called, part: None });
                }
            }
        }
    }
}

/// The kinds whose name says nothing of data: under another name, but otherwise the same, it is the same.
pub(crate) fn nameless(entry: &Entry) -> Option<Entry> {
    let mut entry = entry.clone();
    entry.depends.clear();
    entry.area = SmolStr::default();
    match &mut entry.object {
        Object::Constraint(o) => o.name = SmolStr::default(),
        Object::Index(o) => o.name = SmolStr::default(),
        Object::Trigger(o) => o.name = SmolStr::default(),
        Object::Policy(o) => o.name = SmolStr::default(),
        Object::Sequence(o) if o.owned_by.is_some() => o.name = SmolStr::default(),
        _ => return None,
    }
    Some(entry)
}

/// Whether a table of this name is there.
pub(crate) fn has_table(catalog: &Catalog, table: &TableName) -> bool {
    catalog.find(IdRef::table(table)).is_some()
}
