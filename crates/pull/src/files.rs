//! Which construct stands in which file: tables that refer to each other together, in the order in which they can be
//! made, no file longer than is read with ease.

use crate::render::{Item, Sort};
use crate::state::State;
use crate::text::Text;
use rustc_hash::{FxHashMap, FxHashSet};
use specc_catalog::{Object, ObjectId, Rule, TableName};
use std::collections::{BTreeMap, BTreeSet};

/// The longest file, in lines.
const LONGEST: usize = 400;

/// A construct with what stands after it.
struct Chunk {
    id: ObjectId,
    sort: Sort,
    text: Text,
}

impl Chunk {
    fn lines(&self) -> usize {
        self.text.out.bytes().filter(|b| *b == b'\n').count() + 2
    }
}

/// The folder: name and text of each file, in the order of the names.
pub(crate) fn files(state: &State<'_>, items: Vec<Item>) -> Vec<(String, Text)> {
    let chunks = chunks(state, items);
    let homes = homes(state, &chunks);
    let mut files: BTreeMap<String, Vec<Chunk>> = BTreeMap::new();
    for chunk in chunks {
        let file = match chunk.sort {
            Sort::Type => "types".to_owned(),
            Sort::Platform | Sort::Beside => "platform".to_owned(),
            Sort::Block => "sql".to_owned(),
            Sort::Entity | Sort::Function | Sort::View => match homes.get(&chunk.id) {
                Some(home) => home.clone(),
                None if chunk.sort == Sort::Function => "functions".to_owned(),
                None => "views".to_owned(),
            },
        };
        files.entry(file).or_default().push(chunk);
    }
    let mut out = Vec::new();
    for (name, mut chunks) in files {
        chunks.sort_by_key(|chunk| chunk.sort);
        let mut parts: Vec<(Text, usize)> = Vec::new();
        for chunk in chunks {
            let lines = chunk.lines();
            match parts.last_mut() {
                Some((text, length)) if *length + lines <= LONGEST => {
                    // Short ones of a kind stand close.
                    let close = chunk.sort == Sort::Type && lines <= 2 && !text.out.ends_with("}\n");
                    text.push(if close { "" } else { "\n" });
                    text.append(&chunk.text);
                    text.push("\n");
                    *length += lines;
                }
                _ => {
                    let mut text = Text::default();
                    text.append(&chunk.text);
                    text.push("\n");
                    parts.push((text, lines));
                }
            }
        }
        for (n, (text, _)) in parts.into_iter().enumerate() {
            let name = if n == 0 { format!("{name}.dbspec") } else { format!("{name}_{}.dbspec", n + 1) };
            out.push((name, text));
        }
    }
    out
}

/// Items with the grants and triggers that belong to them, entities in the order of creation.
fn chunks(state: &State<'_>, items: Vec<Item>) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::with_capacity(items.len());
    let mut places: FxHashMap<ObjectId, usize> = FxHashMap::default();
    for item in items {
        let home = match (item.sort, state.entry(&item.id).map(|e| &e.object)) {
            (Sort::Beside, Some(Object::Grant(o))) => Some(o.on.clone()),
            // A partition stands in its entity.
            (Sort::Beside, Some(Object::Table(o))) => Some(o.partition_of.as_ref().map_or(&o.table, |of| &of.0).id()),
            (Sort::Beside, Some(Object::Trigger(o))) => Some(crate::render::view_id(&o.table)),
            (Sort::Beside, _) => Some(item.id.clone()),
            _ => None,
        };
        match home.and_then(|home| places.get(&home).copied()) {
            Some(at) => {
                let chunk = &mut chunks[at];
                let gap = if item.text.out.starts_with("grant") && chunk.text.out.contains("\ngrant") {
                    "\n"
                } else {
                    "\n\n"
                };
                chunk.text.push(gap);
                chunk.text.append(&item.text);
            }
            None => {
                if item.sort != Sort::Block {
                    places.insert(item.id.clone(), chunks.len());
                }
                chunks.push(Chunk { id: item.id, sort: item.sort, text: item.text });
            }
        }
    }
    if let Ok(order) = specc_catalog::order(state.catalog) {
        let mut ranks = vec![u32::MAX; state.catalog.len()];
        for (rank, object) in order.sequence().iter().enumerate() {
            ranks[*object as usize] = rank as u32;
        }
        let rank = |id: &ObjectId| state.catalog.index_of(id).map_or(0, |index| ranks[index]);
        chunks.sort_by_key(|chunk| (chunk.sort, rank(&chunk.id)));
    }
    chunks
}

/// A group of tables.
#[derive(Default)]
struct Group {
    tables: Vec<TableName>,
    lines: usize,
}

/// The file of each table, and of functions and views that only one file needs.
fn homes(state: &State<'_>, chunks: &[Chunk]) -> FxHashMap<ObjectId, String> {
    let tables: Vec<(&TableName, usize)> = chunks
        .iter()
        .filter_map(|chunk| match (chunk.sort, &state.entry(&chunk.id)?.object) {
            (Sort::Entity, Object::Table(o)) => Some((&o.table, chunk.lines())),
            _ => None,
        })
        .collect();
    let mut edges: FxHashMap<&TableName, Vec<&TableName>> = FxHashMap::default();
    let mut referred: FxHashMap<&TableName, FxHashSet<&TableName>> = FxHashMap::default();
    for (_, entry) in state.catalog.iter() {
        if let Object::Constraint(o) = &entry.object
            && let Rule::ForeignKey(key) = &o.rule
            && key.target != o.table
        {
            edges.entry(&o.table).or_default().push(&key.target);
            edges.entry(&key.target).or_default().push(&o.table);
            referred.entry(&key.target).or_default().insert(&o.table);
        }
    }
    // What most tables refer to says nothing about any of them.
    let busy = (tables.len() / 5).max(6);
    let is_hub = |table: &TableName| referred.get(table).is_some_and(|by| by.len() > busy);
    let mut groups: Vec<Group> = Vec::new();
    let mut of: FxHashMap<&TableName, usize> = FxHashMap::default();
    let mut stems: FxHashMap<(&str, &str), BTreeSet<usize>> = FxHashMap::default();
    for &(table, lines) in &tables {
        let mut scores: BTreeMap<usize, usize> = BTreeMap::new();
        for &other in edges.get(table).into_iter().flatten() {
            if let Some(group) = of.get(other).filter(|_| !is_hub(other) && !is_hub(table)) {
                *scores.entry(*group).or_default() += 2;
            }
        }
        for n in stems.get(&stem(table)).into_iter().flatten() {
            *scores.entry(*n).or_default() += 3;
        }
        let fits = |n: &usize| groups[*n].lines + lines <= LONGEST && groups[*n].tables[0].schema == table.schema;
        let best = scores.into_iter().filter(|(n, _)| fits(n)).max_by_key(|(n, score)| (*score, usize::MAX - n));
        let group = best.map_or_else(
            || {
                groups.push(Group::default());
                groups.len() - 1
            },
            |(n, _)| n,
        );
        groups[group].tables.push(table.clone());
        groups[group].lines += lines;
        of.insert(table, group);
        stems.entry(stem(table)).or_default().insert(group);
    }
    let groups = joined(groups, is_hub);
    let names = names(state, &groups, &referred);
    let mut homes = FxHashMap::default();
    for (group, name) in groups.iter().zip(names) {
        for table in &group.tables {
            homes.insert(table.id(), name.clone());
        }
    }
    users(state, &mut homes);
    homes
}

/// Tables that stand alone share files, by schema.
fn joined(groups: Vec<Group>, is_hub: impl Fn(&TableName) -> bool) -> Vec<Group> {
    const FEW: usize = 60;
    let mut out: Vec<Group> = Vec::new();
    let mut rest: Vec<Group> = Vec::new();
    for group in groups {
        let alone = group.tables.len() == 1 && group.lines < FEW && !is_hub(&group.tables[0]);
        if !alone {
            out.push(group);
            continue;
        }
        let schema = &group.tables[0].schema;
        let fits = |other: &&mut Group| other.tables[0].schema == *schema && other.lines + group.lines <= LONGEST;
        match rest.iter_mut().find(fits) {
            Some(other) => {
                other.lines += group.lines;
                other.tables.extend(group.tables);
            }
            None => rest.push(group),
        }
    }
    out.extend(rest);
    out
}

/// The first word of a table's name, without the `s` of a plural.
fn stem(table: &TableName) -> (&str, &str) {
    let word = table.name.split('_').next().unwrap_or(&table.name);
    (table.schema.as_str(), word.strip_suffix("ies").or(word.strip_suffix('s')).unwrap_or(word))
}

/// A name for each group: the table that the others refer to most, with the schema where that is not the default one.
fn names(state: &State<'_>, groups: &[Group], referred: &FxHashMap<&TableName, FxHashSet<&TableName>>) -> Vec<String> {
    let mut taken: FxHashSet<String> =
        ["types", "functions", "views", "platform", "sql"].into_iter().map(str::to_owned).collect();
    let name = |group: &Group| {
        let within = |table: &TableName| {
            referred.get(table).map_or(0, |by| by.iter().filter(|other| group.tables.contains(other)).count())
        };
        let mut first = &group.tables[0];
        for table in &group.tables {
            if within(table) > within(first) {
                first = table;
            }
        }
        let mut words = String::new();
        if first.schema != state.names.default_schema.as_str() {
            words.push_str(&first.schema);
            words.push('_');
        }
        words.push_str(&first.name);
        let plain = |c: char| if c.is_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '_' };
        words.chars().map(plain).take(60).collect::<String>()
    };
    let mut out = Vec::new();
    for group in groups {
        let base = name(group);
        let mut name = base.clone();
        let mut n = 1;
        while !taken.insert(name.clone()) {
            n += 1;
            name = format!("{base}_tables{}", if n == 2 { String::new() } else { n.to_string() });
        }
        out.push(name);
    }
    out
}

/// Functions that triggers of one file run and views that read one file's tables stand in that file.
fn users(state: &State<'_>, homes: &mut FxHashMap<ObjectId, String>) {
    let mut wanted: BTreeMap<ObjectId, FxHashSet<Option<String>>> = BTreeMap::new();
    let all = state.catalog.iter();
    for (id, entry) in all {
        match &entry.object {
            Object::Trigger(o) => {
                let home = homes.get(&o.table.id()).cloned();
                for need in state.needs(id) {
                    if matches!(state.entry(&need).map(|e| &e.object), Some(Object::Function(_))) {
                        wanted.entry(need).or_default().insert(home.clone());
                    }
                }
            }
            Object::View(_) => {
                let reads = state.needs(id).filter(|need| {
                    matches!(state.entry(need).map(|e| &e.object), Some(Object::Table(_) | Object::View(_)))
                });
                wanted.entry(id.clone()).or_default().extend(reads.map(|need| homes.get(&need).cloned()));
            }
            _ => {}
        }
    }
    for (id, files) in wanted {
        let mut files = files.into_iter();
        if let (Some(Some(file)), None) = (files.next(), files.next()) {
            homes.insert(id, file);
        }
    }
}
