//! What comes.

use crate::action_graph::{Role, Slot};
use crate::creation::{Creation, Made, create_some};
use crate::place::{NewPlace, NodeId, OldPlace, Planned, Unexpected};
use crate::planner::{Builder, ChangeError};
use crate::recreation::Actions;
use crate::schedule::Phase;
use crate::strategies::in_place::table::{Chain, temporary_name};
use rustc_hash::{FxHashMap, FxHashSet};
use specc_catalog::{Column, Constraint, Index, Kind, Object, Rule, Sequence, Table, TableName};
use specc_sql::{Alter, Statement, key_index};

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
        let direct: FxHashSet<OldPlace> = self.set.changed.iter().map(|pair| pair.0).collect();
        let Creation { steps, inlined } = create_some(self.to.catalog, &only)?;
        for step in steps {
            let object = &self.to.entry(step.place())?.object;
            let on_moving = self.swaps.reads(object.table(), object);
            let replaced = again.get(&step.place()).copied().filter(|old| direct.contains(old) && !on_moving);
            let old = again.get(&step.place()).or_else(|| again.get(&step.owner()?));
            let late = old.is_some_and(|old| actions.at_cut_over.contains(old));
            let stands = step.owner.is_none_or(|owner| !only[owner as usize]);
            match &step.statement {
                _ if self.filled(&step, actions) => {}
                Statement::Create(Object::Index(index)) if stands => self.index(&step, index, replaced, late),
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
                _ => {
                    self.plain(&step, late);
                }
            }
        }
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
            _ => Phase::Main,
        };
        let slot = Slot::New(step.place());
        let role = match &step.statement {
            Statement::Create(_) | Statement::CreateTable { .. } | Statement::RunSql(_) => Role::Make,
            Statement::SetDefault { .. } | Statement::OwnSequence(_) => Role::After,
            Statement::Grant(_) => Role::Make,
            _ => Role::After,
        };
        let first = self.nodes.with(slot, &[Role::Make]).first().copied();
        match first {
            // What is said of the object follows its creation.
            Some(first) => self.nodes.then(first, role, phase, step.statement.clone()),
            None => self.nodes.push(slot, role, phase, step.statement.clone()),
        }
    }

    /// Whether others may be using the table.
    fn is_used(&self, table: &TableName) -> bool {
        self.from.contains(&table.id())
    }

    /// An index of a table that is there.
    fn index(&mut self, step: &Made<'d>, index: &'d Index, replaced: Option<OldPlace>, late: bool) {
        let slot = Slot::New(step.place());
        if self.options.offline || !self.can_build_beside(&index.table) || !self.is_there(&index.table) {
            self.plain(step, late);
            return;
        }
        let Some(old) = replaced else {
            self.nodes.push(slot, Role::Make, Phase::Build, Statement::CreateIndexConcurrently(index));
            return;
        };
        // The new one is built beside the old one, so that queries are never without.
        let name = temporary_name(&[&index.name, "new"]);
        let beside = self.arena.index(Index { name, ..index.clone() });
        let mut chain = Chain::new(slot);
        self.add(&mut chain, Role::Make, Phase::Build, Statement::CreateIndexConcurrently(beside));
        if let Some(Object::Index(before)) = self.from.object(old) {
            let drop = self.add(&mut chain, Role::After, Phase::Cleanup, Statement::DropIndexConcurrently(before));
            self.nodes.alias(Slot::Old(old), &[drop]);
        }
        let from = self.arena.object(beside.clone());
        let rename = Alter::Rename { from, to: &index.name };
        self.add(&mut chain, Role::After, Phase::Finish, Statement::Alter(rename));
    }

    /// Whether the table or view is there when the indexes are built, and was before.
    fn is_there(&self, table: &TableName) -> bool {
        self.from.contains(&table.id())
            || self.from.find(specc_catalog::IdRef::new(Kind::View, &table.schema, &table.name)).is_some()
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
