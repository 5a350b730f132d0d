//! What comes.

use crate::action_graph::{Role, Slot};
use crate::creation::{Creation, Made, create_some};
use crate::kept::is_keeper;
use crate::place::{NewPlace, NodeId, OldPlace, Planned, Unexpected};
use crate::planner::{Builder, ChangeError};
use crate::recreation::Actions;
use crate::schedule::Phase;
use crate::strategies::in_place::table::{Chain, temporary_name};
use rustc_hash::{FxHashMap, FxHashSet};
use specc_catalog::{Column, Constraint, IdRef, Index, Kind, Object, Rule, Sequence, Table, TableName, View};
use specc_sql::{Alter, Statement, key_index};
use std::collections::BTreeMap;

impl<'d> Builder<'d, '_> {
    /// Makes what is new and what is made again. On a table that others are using, indexes are built beside them and
    /// constraints hold for new rows first.
    ///
    /// # Errors
    /// Objects that need each other.
    pub(crate) fn create_objects(&mut self, actions: &Actions) -> Result<(), ChangeError> {
        let mut only = vec![false; self.to.catalog.len()];
        self.set
            .added
            .iter()
            .chain(actions.recreated.iter().map(|pair| &pair.1))
            .for_each(|new| only[new.index()] = true);
        for &new in &self.set.added {
            if self.belongs_to_parent(&self.to.entry(new)?.object, self.from.catalog, self.to.catalog) {
                only[new.index()] = false;
            }
        }
        if !only.contains(&true) {
            return Ok(());
        }
        let again: FxHashMap<NewPlace, OldPlace> = actions.recreated.iter().map(|&(old, new)| (new, old)).collect();
        let mut direct: FxHashSet<OldPlace> = self.set.changed.iter().map(|pair| pair.0).collect();
        direct.extend(&actions.rebuilt);
        let Creation { steps, inlined } = create_some(self.to.catalog, &only)?;
        let mut rebuilt: FxHashMap<OldPlace, NodeId> = FxHashMap::default();
        for step in steps {
            let Some(step) = self.as_far_as_held(step) else { continue };
            let object = &self.to.entry(step.place())?.object;
            let on_moving = self.swaps.reads(object.table(), object);
            let replaced = again.get(&step.place()).copied().filter(|old| direct.contains(old) && !on_moving);
            let old = again.get(&step.place()).or_else(|| again.get(&step.owner()?));
            let over_moved = object.table().or(match object {
                Object::Table(o) => Some(&o.table),
                _ => None,
            });
            let moved = over_moved.and_then(|table| self.moves.of(table)).is_some_and(|one| one.online);
            // What writes to a column that stays is there from when it has its name.
            let keeps = is_keeper(&self.to.catalog.said, &object.id());
            let late = moved || keeps || old.is_some_and(|old| actions.at_cut_over.contains(old));
            let stands = step.owner.is_none_or(|owner| !only[owner as usize]);
            match &step.statement {
                _ if self.filled(&step, actions) || self.beside(&step, actions)? => {}
                Statement::Create(Object::Index(index)) if stands => {
                    let made = self.index(&step, index, replaced, late);
                    rebuilt.extend(replaced.map(|old| (old, made)));
                }
                Statement::Create(Object::Constraint(constraint)) if stands => {
                    self.constraint(&step, constraint, replaced, late)?;
                }
                Statement::Create(Object::Constraint(constraint))
                    if matches!(constraint.rule, Rule::ForeignKey(_)) && self.is_used(&constraint.table) =>
                {
                    self.constraint(&step, constraint, None, late)?;
                }
                Statement::OwnSequence(o) => {
                    let node = self.plain(&step, late);
                    self.count_on(node, o);
                }
                // What is said of an index that was built beside the old one is said when it has that one's name.
                statement => match replaced.and_then(|old| rebuilt.get(&old)).copied() {
                    Some(named) => {
                        self.nodes.then(named, Role::After, self.nodes[named].phase, statement.clone());
                    }
                    None => {
                        self.plain(&step, late);
                    }
                },
            }
        }
        self.say_again(&rebuilt, actions);
        for (constraint, table) in inlined {
            let made: Vec<NodeId> = self.nodes.of(NewPlace::new(table)).first().copied().into_iter().collect();
            self.nodes.alias(NewPlace::new(constraint).into(), &made);
        }
        Ok(())
    }

    /// A sequence that comes to a column with rows goes on after the highest of them.
    fn count_on(&mut self, node: NodeId, sequence: &'d Sequence) {
        // A sequence of no column counts by itself.
        let Some((table, column)) = &sequence.owned_by else { return };
        let find = |table: &'d Table| table.columns.iter().find(|c| c.name == *column);
        let (before, after) = (self.from.table(table).and_then(find), self.to.table(table).and_then(find));
        let named = |c: &Column| c.default.as_ref().is_some_and(|default| default.text.contains(&*sequence.name));
        if before.is_some() && after.is_some_and(named) {
            let (table, column) = (table, column.as_str());
            self.nodes.then(node, Role::After, Phase::Main, Statement::AdvanceSequence { table, column });
        }
    }

    fn plain(&mut self, step: &Made<'d>, late: bool) -> NodeId {
        let phase = match &step.statement {
            Statement::RunSql(o) if o.last => Phase::Finish,
            _ if late => Phase::CutOver,
            // Filled while nobody waits for anything.
            _ if self.fills_anew(step) => Phase::Build,
            _ => Phase::Main,
        };
        let slot = Slot::New(step.place());
        let role = match &step.statement {
            Statement::Create(_) | Statement::CreateTable { .. } | Statement::RunSql(_) => Role::Make,
            Statement::SetDefault { .. } | Statement::OwnSequence(_) => Role::After,
            Statement::Grant(_) | Statement::Join(_) => Role::Make,
            // What is in a schema is given to a role that may create there: its owner may.
            Statement::SetOwner { of: Object::Schema(_), .. } => Role::Make,
            _ => Role::After,
        };
        let first = self.nodes.with(slot, &[Role::Make]).first().copied();
        match first {
            // What is said of the object follows its creation.
            Some(first) => self.nodes.then(first, role, phase, step.statement.clone()),
            None => self.nodes.push(slot, role, phase, step.statement.clone()),
        }
    }

    /// Whether it makes a materialized view that was not there, or an index of one.
    fn fills_anew(&self, step: &Made<'d>) -> bool {
        let view = match &step.statement {
            Statement::Create(Object::Index(index)) => {
                let view = IdRef::new(Kind::View, &index.table.schema, &index.table.name);
                match self.to.find(view).and_then(|place| self.to.object(place)) {
                    Some(Object::View(view)) => Some(view),
                    _ => None,
                }
            }
            statement => statement.fills(),
        };
        let is_new = |view: &View| self.from.find(IdRef::new(Kind::View, &view.view.schema, &view.view.name)).is_none();
        !self.options.offline && view.is_some_and(|view| view.materialized && !view.no_data && is_new(view))
    }

    /// Whether others may be using the table.
    fn is_used(&self, table: &TableName) -> bool {
        self.from.contains(&table.id())
    }

    /// An index of a table that is there.
    fn index(&mut self, step: &Made<'d>, index: &'d Index, replaced: Option<OldPlace>, late: bool) -> NodeId {
        let slot = Slot::New(step.place());
        let beside = !self.options.offline || replaced.is_some() && self.may_rest_on(&index.table);
        if !beside || !self.can_build_beside(&index.table) || !self.is_there(&index.table) {
            return self.plain(step, late);
        }
        let Some(old) = replaced else {
            return self.nodes.push(slot, Role::Make, Phase::Build, Statement::CreateIndexConcurrently(index));
        };
        // The new one is built beside the old one, so that queries are never without.
        let name = temporary_name(&[&index.name, "new"]);
        let beside = self.arena.index(Index { name, ..index.clone() });
        let from = self.arena.object(beside.clone());
        let mut chain = Chain::new(slot);
        let (build, last) = if self.options.offline {
            self.add(&mut chain, Role::Make, Phase::Main, Statement::Create(from));
            (Phase::Main, Phase::Main)
        } else {
            self.add(&mut chain, Role::Make, Phase::Build, Statement::CreateIndexConcurrently(beside));
            (Phase::Cleanup, Phase::Finish)
        };
        if let Some((object, Object::Index(before))) = self.from.object(old).map(|object| (object, object)) {
            if self.may_rest_on(&index.table) {
                let phase = if self.options.offline { Phase::Main } else { Phase::CutOver };
                let hand = Alter::HandOver { table: &index.table, from: &before.name, to: &beside.name };
                self.add(&mut chain, Role::After, phase, Statement::Alter(hand));
            }
            let drop = match self.options.offline {
                true => Statement::Drop(object),
                false => Statement::DropIndexConcurrently(before),
            };
            let drop = self.add(&mut chain, Role::After, build, drop);
            self.nodes.alias(Slot::Old(old), &[drop]);
        }
        let rename = Alter::Rename { from, to: &index.name };
        self.add(&mut chain, Role::After, last, Statement::Alter(rename))
    }

    /// Runs blocks that say something of indexes for those that took their places: each goes and comes in one moment.
    fn say_again(&mut self, rebuilt: &FxHashMap<OldPlace, NodeId>, actions: &Actions) {
        let mut blocks: BTreeMap<(OldPlace, NewPlace), Vec<NodeId>> = BTreeMap::new();
        for &(index, old, new) in &actions.said_again {
            if !actions.recreated.iter().any(|pair| pair.0 == old) {
                blocks.entry((old, new)).or_default().extend(rebuilt.get(&index));
            }
        }
        for ((old, new), made) in blocks {
            let (Some(Object::Sql(before)), Some(Object::Sql(after))) = (self.from.object(old), self.to.object(new))
            else {
                continue;
            };
            let phase = made.iter().map(|&node| self.nodes[node].phase).max().unwrap_or(Phase::Finish);
            if self.names_renamed(before) {
                let gone = self.nodes.push(Slot::None, Role::After, Phase::Names, Statement::RunDown(before));
                self.before_renames.push(gone);
                let again = self.nodes.push(Slot::None, Role::After, phase, Statement::RunSql(after));
                made.into_iter().chain([gone]).for_each(|node| self.nodes.edge(node, again));
                continue;
            }
            let gone = self.nodes.push(Slot::None, Role::After, phase, Statement::RunDown(before));
            made.into_iter().for_each(|node| self.nodes.edge(node, gone));
            self.nodes.then(gone, Role::After, phase, Statement::RunSql(after));
        }
    }

    /// Whether a block of SQL says something of the table: that it is known to replicas by an index, or in the order of
    /// one.
    pub(crate) fn may_rest_on(&self, table: &TableName) -> bool {
        let id = table.id();
        let of_it = |need: &specc_catalog::ObjectId| {
            *need == id || self.from.get(need).and_then(|entry| entry.object.table()).is_some_and(|of| of == table)
        };
        self.from.iter().any(|(_, entry)| {
            matches!(&entry.object, Object::Sql(_)) && entry.depends.iter().any(|need| of_it(&need.on))
        })
    }

    /// Whether the table or view is there when the indexes are built, and was before.
    fn is_there(&self, table: &TableName) -> bool {
        self.from.contains(&table.id()) || self.from.find(IdRef::new(Kind::View, &table.schema, &table.name)).is_some()
    }

    /// A constraint of a table that is there.
    fn constraint(
        &mut self,
        step: &Made<'d>,
        constraint: &'d Constraint,
        replaced: Option<OldPlace>,
        late: bool,
    ) -> Planned {
        let slot = Slot::New(step.place());
        let divided = !self.can_build_beside(&constraint.table);
        let mut chain = Chain::new(slot);
        let phase = if late { Phase::CutOver } else { Phase::Main };
        match &constraint.rule {
            _ if self.options.offline || constraint.not_valid => {
                self.plain(step, late);
            }
            Rule::PrimaryKey { .. } | Rule::Unique { .. } if !divided => {
                let name = if replaced.is_some() {
                    temporary_name(&[&constraint.name, "new"])
                } else {
                    constraint.name.clone()
                };
                let Some(index) = key_index(constraint, &name) else {
                    return Err(Unexpected::new(&Object::from(constraint.clone()).id(), "a key without an index"));
                };
                let index = self.arena.index(index);
                self.add(&mut chain, Role::After, Phase::Build, Statement::CreateIndexConcurrently(index));
                let using = Alter::AddUsingIndex(constraint, &index.name);
                self.add(&mut chain, Role::Make, Phase::CutOver, Statement::Alter(using));
            }
            // Postgres before 18 knows no reference of a divided table that is not valid.
            Rule::ForeignKey(_) if divided => {
                self.plain(step, late);
            }
            Rule::Check { .. } | Rule::ForeignKey(_) => {
                self.add(&mut chain, Role::Make, phase, Statement::Alter(Alter::AddNotValid(constraint)));
                self.add(&mut chain, Role::After, Phase::Validate, Statement::Validate(constraint));
            }
            _ => {
                self.plain(step, late);
            }
        }
        Ok(())
    }
}
