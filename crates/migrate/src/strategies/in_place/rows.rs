//! Seed rows.

use crate::action_graph::{Role, Slot};
use crate::place::{NewPlace, NodeId};
use crate::planner::Builder;
use crate::schedule::Phase;
use smol_str::SmolStr;
use specc_catalog::{Constraint, Object, Rule, Seed, Table, TableName};
use specc_sql::{Alter, Statement};

impl<'d> Builder<'d, '_> {
    /// Rows that are new or changed come after all else of the transaction, rows that are gone before it.
    pub(crate) fn rows(&mut self) {
        let mut last: Option<NodeId> = None;
        for change in self.set.rows {
            let seed = &change.seed;
            let early = change.put.then(|| self.leave_labels(seed)).filter(|swaps| !swaps.is_empty());
            let node = if let Some(swaps) = early {
                let table = self.to.table(&seed.table);
                let node = self.nodes.push(Slot::None, Role::After, Phase::Main, Statement::InsertSeed { seed, table });
                for swap in swaps {
                    for after in self.nodes.of(Slot::New(swap)).to_vec() {
                        self.nodes.edge(node, after);
                    }
                }
                node
            } else if change.put {
                let table = self.to.table(&seed.table);
                let slot = self.to.index_of(&seed.table.id()).map_or(Slot::None, Slot::New);
                let node = self.nodes.push(slot, Role::After, Phase::Main, Statement::InsertSeed { seed, table });
                // The table with all its columns first.
                for before in self.nodes.with(slot, &[Role::Make, Role::Change]) {
                    self.nodes.edge(before, node);
                }
                node
            } else {
                let slot = self.from.index_of(&seed.table.id()).map_or(Slot::None, Slot::Old);
                let node = self.nodes.push(slot, Role::After, Phase::Main, Statement::DeleteSeed(seed));
                for after in self.nodes.with(slot, &[Role::Drop]) {
                    self.nodes.edge(node, after);
                }
                node
            };
            if let Some(last) = last {
                self.nodes.soft(last, node);
            }
            last = Some(node);
            if let (true, Some(column)) = (change.put, &seed.restart) {
                let advance = Statement::AdvanceSequence { table: &seed.table, column };
                last = Some(self.nodes.then(node, Role::After, Phase::Main, advance));
            }
        }
    }

    /// Rows come before the foreign keys that lead to their table from others: what is there already may refer to them.
    pub(crate) fn rows_before_keys(&mut self) {
        let keys: Vec<(NodeId, &'d TableName)> = self
            .nodes
            .iter()
            .filter_map(|(id, node)| {
                let o: &'d Constraint = match &node.statement {
                    Statement::Create(Object::Constraint(o)) => o,
                    Statement::Validate(o) | Statement::Alter(Alter::AddNotValid(o)) => o,
                    _ => return None,
                };
                let Rule::ForeignKey(key) = &o.rule else { return None };
                (key.target != o.table).then_some((id, &key.target))
            })
            .collect();
        for node in self.nodes.ids() {
            let Statement::InsertSeed { seed, .. } = &self.nodes[node].statement else { continue };
            let seed: &'d Seed = seed;
            for (key, _) in keys.iter().filter(|(_, target)| **target == seed.table) {
                self.nodes.soft(node, *key);
            }
        }
    }

    /// The enums that lose labels which rows may hold until they are as these say: they can be written before that.
    fn leave_labels(&self, seed: &Seed) -> Vec<NewPlace> {
        let (Some(from), Some(to)) = (self.from.table(&seed.table), self.to.table(&seed.table)) else {
            return Vec::new();
        };
        let find = |table: &'d Table, name: &SmolStr| table.columns.iter().find(|column| column.name == *name);
        let stays = |name: &SmolStr| find(from, name).zip(find(to, name)).is_some_and(|(was, is)| was.ty == is.ty);
        if !self.options.offline || !seed.columns.iter().all(stays) {
            return Vec::new();
        }
        let loses = |old, new| match (self.from.object(old), self.to.object(new)) {
            (Some(Object::Enum(was)), Some(Object::Enum(is))) => {
                let is_own = |name: &SmolStr| {
                    find(to, name).is_some_and(|column| column.ty.schema == is.schema && column.ty.name == is.name)
                };
                was.labels.iter().any(|label| !is.labels.contains(label))
                    && is.labels.iter().all(|label| was.labels.contains(label))
                    && seed.columns.iter().any(is_own)
            }
            _ => false,
        };
        let changed = self.set.changed.iter().filter(|&&(old, new)| loses(old, new));
        changed.map(|pair| pair.1).collect()
    }
}
