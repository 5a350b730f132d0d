//! What comes.

use crate::action_graph::{Phase, Role, Slot};
use crate::creation::{Creation, Step, create_some};
use crate::planner::Builder;
use crate::recreation::Actions;
use crate::strategies::in_place::table::{Chain, temporary_name};
use rustc_hash::{FxHashMap, FxHashSet};
use specc_catalog::{Catalog, Column, Constraint, Cycle, Index, Kind, Object, Rule, Sequence, TableName};
use specc_sql::{Alter, Statement, key_index};

impl<'d> Builder<'d, '_> {
    /// Makes what is new and what is made again. On a table that others are using, indexes are built beside them and
    /// constraints hold for new rows first.
    ///
    /// # Errors
    /// Objects that need each other.
    pub(crate) fn create_objects(&mut self, actions: &Actions) -> Result<(), Cycle> {
        let difference = self.difference;
        let mut only = vec![false; self.to.len()];
        difference
            .added
            .iter()
            .chain(actions.recreated.iter().map(|pair| &pair.1))
            .for_each(|&new| only[new as usize] = true);
        for &new in &difference.added {
            if self.new_entry(new).is_some_and(|entry| self.belongs_to_parent(&entry.object, self.from, self.to)) {
                only[new as usize] = false;
            }
        }
        if !only.contains(&true) {
            return Ok(());
        }
        let again: FxHashMap<u32, u32> = actions.recreated.iter().map(|&(old, new)| (new, old)).collect();
        let direct: FxHashSet<u32> = difference.changed.iter().map(|pair| pair.0).collect();
        let Creation { steps, inlined } = create_some(self.to, &only)?;
        for step in steps {
            let on_moving = self
                .to
                .at(step.object as usize)
                .is_some_and(|(_, entry)| self.swaps.reads(entry.object.table(), &entry.object));
            let replaced = again.get(&step.object).copied().filter(|old| direct.contains(old) && !on_moving);
            let old = again.get(&step.object).or_else(|| step.owner.and_then(|owner| again.get(&owner)));
            let late = old.is_some_and(|old| actions.at_cut_over.contains(old));
            let stands = step.owner.is_none_or(|owner| !only[owner as usize]);
            match &step.statement {
                _ if self.filled(&step, actions) => {}
                Statement::Create(Object::Index(index)) if stands => self.index(&step, index, replaced, late),
                Statement::Create(Object::Constraint(constraint)) if stands => {
                    self.constraint(&step, constraint, replaced, late);
                }
                Statement::Create(Object::Constraint(constraint))
                    if matches!(constraint.rule, Rule::ForeignKey(_)) && self.is_used(&constraint.table) =>
                {
                    self.constraint(&step, constraint, None, late);
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
            let nodes: Vec<u32> = self.nodes.of(Slot::New(table)).first().copied().into_iter().collect();
            self.nodes.alias(Slot::New(constraint), &nodes);
        }
        Ok(())
    }

    /// A sequence that comes to a column with rows goes on after the highest of them.
    fn count_on(&mut self, node: u32, sequence: &'d Sequence) {
        let Some((table, column)) = &sequence.owned_by else { return };
        let counts = |catalog: &Catalog, with: &dyn Fn(&Column) -> bool| {
            matches!(catalog.get(&table.id()).map(|entry| &entry.object), Some(Object::Table(o))
                if o.columns.iter().any(|c| c.name == *column && with(c)))
        };
        let named = |c: &Column| c.default.as_ref().is_some_and(|default| default.text.contains(&*sequence.name));
        if counts(self.from, &|_| true) && counts(self.to, &named) {
            let (table, column) = (table, column.as_str());
            self.nodes.then(node, Role::After, Phase::Main, Statement::AdvanceSequence { table, column });
        }
    }

    fn plain(&mut self, step: &Step<'d>, late: bool) -> u32 {
        let phase = match &step.statement {
            Statement::RunSql(o) if o.last => Phase::Finish,
            _ if late => Phase::CutOver,
            _ => Phase::Main,
        };
        let slot = Slot::New(step.object);
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
    fn index(&mut self, step: &Step<'d>, index: &'d Index, replaced: Option<u32>, late: bool) {
        let slot = Slot::New(step.object);
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
        if let Some(Object::Index(before)) = self.old(old).map(|entry| &entry.object) {
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
    fn constraint(&mut self, step: &Step<'d>, constraint: &'d Constraint, replaced: Option<u32>, late: bool) {
        let slot = Slot::New(step.object);
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
                let Some(index) = key_index(constraint, &name) else { return };
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
    }
}
