//! Queries and references are never without an index that they had and will have.

use crate::action_graph::Role;
use crate::place::NodeId;
use crate::planner::Builder;
use crate::schedule::Phase;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{IndexKey, Object, Rule, TableName};
use specc_sql::Statement;

/// The columns, by which an index finds rows, as far as they are columns.
fn columns(keys: &[IndexKey]) -> Vec<SmolStr> {
    keys.iter().map_while(|key| key.column_name().cloned()).collect()
}

impl Builder<'_, '_> {
    /// An index or unique constraint goes when the index is there that takes over its first column.
    pub(crate) fn covered(&mut self) {
        if self.options.offline {
            return;
        }
        let mut built: FxHashMap<(&TableName, SmolStr), Vec<(NodeId, SmolStr)>> = FxHashMap::default();
        for (id, node) in self.nodes.iter() {
            let Statement::CreateIndexConcurrently(index) = &node.statement else { continue };
            if let Some(first) = columns(&index.keys).first().filter(|_| index.filter.is_none()) {
                built.entry((&index.table, first.clone())).or_default().push((id, index.name.clone()));
            }
        }
        if built.is_empty() {
            return;
        }
        let mut waits = Vec::new();
        for (id, node) in self.nodes.iter().filter(|(_, node)| node.role == Role::Drop) {
            let (table, name, first) = match &node.statement {
                Statement::Drop(Object::Constraint(o)) => match &o.rule {
                    Rule::Unique { columns, .. } => (&o.table, &o.name, columns.first().cloned()),
                    _ => continue,
                },
                Statement::Drop(Object::Index(o)) => (&o.table, &o.name, columns(&o.keys).first().cloned()),
                _ => continue,
            };
            let others = first.and_then(|first| built.get(&(table, first)));
            // One name is free before it is taken.
            let others = others.filter(|others| others.iter().all(|(_, other)| other != name));
            waits.extend(others.into_iter().flatten().map(|(other, _)| (*other, id)));
        }
        for (index, drop) in waits {
            if self.nodes[drop].phase == Phase::Main {
                self.nodes[drop].phase = Phase::CutOver;
            }
            self.nodes.soft(index, drop);
        }
    }
}
