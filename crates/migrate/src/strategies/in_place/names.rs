//! New names and schemas for what stays.

use crate::action_graph::{Role, Slot};
use crate::place::{NewPlace, NodeId, OldPlace, Planned, Unexpected};
use crate::planner::Builder;
use crate::recreation::Actions;
use crate::schedule::Phase;
use crate::strategies::in_place::aside::Aside;
use crate::strategies::in_place::turns::{
    self, Half, aside, aside_to, goal, in_turn, label_of, name_of, spot, with_name,
};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{Kind, Object, ObjectId, Sequence, SequenceOptions, Sql, TableName};
use specc_diff::Renamed;
use specc_sql::{Alter, Statement};

impl<'d> Builder<'d, '_> {
    /// New names and schemas for what stays.
    pub(crate) fn rename(&mut self, actions: &Actions) -> Planned {
        let mut last: Option<NodeId> = None;
        // What is made again goes by its old name and comes with its new one.
        let again: FxHashSet<OldPlace> = actions.recreated.iter().map(|pair| pair.0).collect();
        let mut all = Vec::new();
        for renamed in self.set.renamed {
            let place = self.from.index_of(&renamed.now).filter(|old| again.contains(old));
            if let Some(old) = place.filter(|_| renamed.part.is_none() && matches!(renamed.id.kind, Kind::View)) {
                let object = called(&self.from.entry(old)?.object, &renamed.id.schema, &renamed.id.name);
                self.called.extend(object.map(|object| (old, self.arena.object(object))));
                continue;
            }
            // An index goes and comes with its view.
            let index = place.and_then(|old| self.from.object(old)?.table());
            let view = index.map(|of| ObjectId::new(Kind::View, of.schema.clone(), of.name.clone()));
            if view.and_then(|view| self.from.index_of(&view)).is_some_and(|view| again.contains(&view)) {
                continue;
            }
            all.push(renamed);
        }
        let mut aside = Aside::new(self.set, &again)?;
        let gone = std::mem::take(&mut aside.gone);
        self.called.extend(gone.into_iter().map(|(old, object)| (old, self.arena.object(object))));
        let is_aside = |renamed: &&Renamed| renamed.part.is_none() && aside.renamed.contains(&renamed.now);
        let set_aside: Vec<bool> = all.iter().map(is_aside).collect();
        let taken = all.iter().zip(&set_aside).map(|(renamed, &is_aside)| {
            let mut was = spot(&renamed.id, &renamed.part);
            if is_aside {
                was.2 = aside_to(&renamed.now.schema, &renamed.now.name);
            }
            (was, goal(renamed))
        });
        let taken: Vec<_> = taken.collect();
        for mut step in in_turn(&taken) {
            let renamed = all[step.of];
            match (set_aside[step.of], step.half) {
                // It stands under the third name already.
                (true, Half::First) => continue,
                (true, _) => step.half = Half::Second,
                _ => {}
            }
            for statement in aside.before(renamed, self.arena) {
                let node = self.nodes.push(Slot::None, Role::Make, Phase::Names, statement);
                if let Some(last) = last {
                    self.nodes.edge(last, node);
                }
                last = Some(node);
            }
            let slot = self.to.index_of(&renamed.now).map_or(Slot::None, Slot::New);
            let third = match &renamed.part {
                Some((_, now)) => turns::aside(now),
                None if set_aside[step.of] => aside_to(&renamed.now.schema, &renamed.now.name),
                None => turns::aside(&renamed.now.name),
            };
            let step = self.arena.renamed(step.of_it(renamed, third));
            for statement in self.renaming(step, renamed)? {
                let node = self.nodes.push(slot, Role::Make, Phase::Names, statement);
                if let Some(last) = last {
                    self.nodes.edge(last, node);
                }
                last = Some(node);
            }
        }
        for (from, to) in std::mem::take(&mut aside.back) {
            let rename = Alter::Rename { from: self.arena.object(from), to: self.arena.text(to) };
            let node = self.nodes.push(Slot::None, Role::Make, Phase::Names, Statement::Alter(rename));
            if let Some(last) = last {
                self.nodes.edge(last, node);
            }
            last = Some(node);
        }
        self.renames = self.nodes.ids().collect();
        self.relabel(&again, &aside, last)
    }

    /// Whether the way back of a block speaks of something by a name that it has no more. Names in bodies and texts count.
    pub(crate) fn names_renamed(&self, block: &Sql) -> bool {
        let Some(down) = block.down.as_deref().filter(|_| !self.set.renamed.is_empty()) else { return false };
        let words: FxHashSet<&str> = down.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        // A name may be more than a word.
        let says = |name: &SmolStr| words.contains(&**name) || !is_word(name) && down.contains(&**name);
        self.set.renamed.iter().any(|renamed| match &renamed.part {
            Some((was, _)) => says(was),
            None => {
                renamed.id.name != renamed.now.name && says(&renamed.id.name) || {
                    renamed.id.schema != renamed.now.schema && says(&renamed.id.schema)
                }
            }
        })
    }

    /// What speaks of old names is done while they are there, unless something has to go before it that speaks of new ones.
    pub(crate) fn under_old_names(&mut self) {
        let waits = self.nodes.before();
        let is_renamed = |table: &TableName| {
            self.set.renamed.iter().any(|renamed| {
                let now = &renamed.now;
                renamed.part.is_none() && now.schema == table.schema && now.name == table.name
            })
        };
        let speaks_of_new = |node: &NodeId| self.nodes[*node].statement.table().is_some_and(is_renamed);
        let free = |node: &&NodeId| !waits.get(*node).is_some_and(|needed| needed.iter().any(speaks_of_new));
        let blocks: Vec<NodeId> = self.before_renames.iter().filter(free).copied().collect();
        for before in blocks {
            self.renames.iter().for_each(|&rename| self.nodes.soft(before, rename));
        }
    }

    /// New names for what differs in nothing else.
    fn relabel(&mut self, again: &FxHashSet<OldPlace>, set_aside: &Aside, last: Option<NodeId>) -> Planned {
        let pairs = self.set.relabelled.iter().copied().filter(|pair| !again.contains(&pair.0));
        let asides: FxHashMap<OldPlace, NewPlace> = set_aside.parts.iter().copied().collect();
        let pairs: Vec<_> = pairs.filter(|pair| !asides.contains_key(&pair.0)).collect();
        let mut taken = Vec::new();
        for &(old, new) in &pairs {
            let (a, b) = (&self.from.entry(old)?.object, &self.to.entry(new)?.object);
            taken.push((label_of(a)?, label_of(b)?));
        }
        let steps = in_turn(&taken);
        let mut before: FxHashMap<usize, NodeId> = FxHashMap::default();
        let mut left: FxHashMap<&(Option<TableName>, SmolStr, SmolStr), NodeId> = FxHashMap::default();
        for step in &steps {
            let (old, new) = pairs[step.of];
            let (a, b) = (&self.from.entry(old)?.object, &self.to.entry(new)?.object);
            let (was, now) = (&taken[step.of].0, &taken[step.of].1);
            let aside = aside(&now.2);
            let (object, to): (&'d Object, &'d str) = match step.half {
                Half::Whole => (a, name_of(b)?),
                Half::First => (a, self.arena.text(aside)),
                Half::Second => (self.arena.object(with_name(a, aside)), name_of(b)?),
            };
            let statement = Statement::Alter(Alter::Rename { from: object, to });
            let node = self.nodes.push(Slot::New(new), Role::Make, Phase::Main, statement);
            // Its name is free by then.
            let free = left.get(now).filter(|_| step.half != Half::First).copied();
            for earlier in last.into_iter().chain(before.get(&step.of).copied()).chain(free) {
                self.nodes.edge(earlier, node);
            }
            before.insert(step.of, node);
            if step.half != Half::Second {
                left.insert(was, node);
            }
        }
        for &(old, new) in &set_aside.parts {
            let (a, b) = (&self.from.entry(old)?.object, &self.to.entry(new)?.object);
            let from = self.arena.object(Aside::called(a, b)?);
            let statement = Statement::Alter(Alter::Rename { from, to: name_of(b)? });
            let node = self.nodes.push(Slot::New(new), Role::Make, Phase::Main, statement);
            for earlier in last.into_iter().chain(left.get(&label_of(b)?).copied()) {
                self.nodes.edge(earlier, node);
            }
        }
        Ok(())
    }

    /// The statements of a rename that is all or a half of another one.
    fn renaming(&self, renamed: &'d Renamed, whole: &Renamed) -> Planned<Vec<Statement<'d>>> {
        if let Some((from, to)) = &renamed.part {
            let table = match self.to.get(&whole.now).map(|entry| &entry.object) {
                Some(Object::Table(o)) => Some(&o.table),
                Some(Object::View(o)) => Some(&o.view),
                _ => None,
            };
            return Ok(vec![Statement::Alter(Alter::RenamePart { of: &renamed.id, table, from, to })]);
        }
        // The object under its old name.
        let entry = self.from.get(&whole.now).or_else(|| {
            self.from
                .iter()
                .find(|(id, _)| id.kind == whole.now.kind && id.schema == whole.now.schema && id.name == whole.now.name)
                .map(|(_, entry)| entry)
        });
        let (was, now) = (&renamed.id, &renamed.now);
        // That of an identity column is no object.
        let sequence = || {
            let (schema, name) = (was.schema.clone(), was.name.clone());
            Object::from(Sequence { schema, name, ty: None, options: SequenceOptions::default(), owned_by: None })
        };
        let object = match entry {
            Some(entry) => entry.object.clone(),
            None if was.kind == Kind::Sequence => sequence(),
            None => return Err(Unexpected::new(was, "it is renamed, and it is not there")),
        };
        let called =
            |schema: &SmolStr, name: &SmolStr| called(&object, schema, name).map(|object| self.arena.object(object));
        let rename = |from: &'d Object| Statement::Alter(Alter::Rename { from, to: &now.name });
        let mut all = Vec::new();
        // The name may be taken in the other schema.
        let taken = |schema: &SmolStr| self.from.contains(&ObjectId { schema: schema.clone(), ..was.clone() });
        let first = was.schema == now.schema || taken(&now.schema);
        if was.name != now.name && first {
            all.extend(called(&was.schema, &was.name).map(rename));
        }
        if was.schema != now.schema {
            let name = if first { &now.name } else { &was.name };
            let from = called(&was.schema, name);
            all.extend(from.map(|from| Statement::Alter(Alter::SetSchema { from, to: &now.schema })));
        }
        if was.name != now.name && !first {
            all.extend(called(&now.schema, &was.name).map(rename));
        }
        Ok(all)
    }
}

impl Builder<'_, '_> {
    /// A schema is there before something comes to it, and goes when everything has left it.
    pub(crate) fn schemas(&mut self) {
        let schema = |name: &str| ObjectId::new(Kind::Schema, "", name);
        for node in self.nodes.ids() {
            let Statement::Alter(Alter::SetSchema { from, to }) = &self.nodes[node].statement else {
                continue;
            };
            let (left, come) = (self.from.index_of(&schema(&from.id().schema)), self.to.index_of(&schema(to)));
            let made = come.map_or(Vec::new(), |new| self.nodes.with(new, &[Role::Make]));
            for made in made {
                // Names come first.
                self.nodes[made].phase = Phase::Names;
                self.nodes.edge(made, node);
            }
            let gone = left.map_or(Vec::new(), |old| self.nodes.with(old, &[Role::Drop]));
            gone.into_iter().for_each(|gone| self.nodes.edge(node, gone));
        }
        for (&old, object) in &self.called {
            let Some(left) = self.from.index_of(&schema(&object.id().schema)) else { continue };
            for gone in self.nodes.with(left, &[Role::Drop]) {
                for node in self.nodes.with(Slot::Old(old), &[Role::Drop]) {
                    self.nodes.edge(node, gone);
                }
            }
        }
    }
}

fn is_word(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// The object under another name, if it is of a kind that can have one.
fn called(object: &Object, schema: &SmolStr, name: &SmolStr) -> Option<Object> {
    let mut object = object.clone();
    let (home, own) = match &mut object {
        Object::Schema(o) => (None, &mut o.name),
        Object::Role(o) => (None, &mut o.name),
        Object::Enum(o) => (Some(&mut o.schema), &mut o.name),
        Object::Domain(o) => (Some(&mut o.schema), &mut o.name),
        Object::Composite(o) => (Some(&mut o.schema), &mut o.name),
        Object::Sequence(o) => (Some(&mut o.schema), &mut o.name),
        Object::Table(o) => (Some(&mut o.table.schema), &mut o.table.name),
        Object::View(o) => (Some(&mut o.view.schema), &mut o.view.name),
        Object::Function(o) => (Some(&mut o.schema), &mut o.name),
        Object::Index(o) => (Some(&mut o.table.schema), &mut o.name),
        _ => return None,
    };
    own.clone_from(name);
    if let Some(home) = home {
        home.clone_from(schema);
    }
    Some(object)
}
