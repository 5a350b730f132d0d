//! What reads a column comes after the file that fills it.

use crate::action_graph::{Role, Slot};
use crate::place::NodeId;
use crate::planner::Builder;
use crate::schedule::Phase;
use rustc_hash::FxHashSet;
use specc_analysis::Target;
use specc_analysis::catalog::Known;
use specc_catalog::Object;
use specc_sql::{Alter, Statement};

impl Builder<'_, '_> {
    /// A value that is worked out from a column that is filled too comes after that.
    pub(crate) fn fills_in_order(&mut self) {
        let fills = self.nodes.iter().filter_map(|(id, node)| match &node.statement {
            Statement::Alter(Alter::Backfill { table, set, .. }) => Some((id, *table, set.clone())),
            _ => None,
        });
        let fills: Vec<_> = fills.collect();
        if fills.len() < 2 {
            return;
        }
        let texts = Known::new(self.to.catalog);
        for (own, table, set) in &fills {
            for (_, value) in set {
                let found = texts.of_table(table, value).references;
                for (other, of, columns) in fills.iter().filter(|(other, ..)| other != own) {
                    let reads = found.iter().any(|found| match &found.target {
                        Target::Column(home, name) => {
                            home.name == of.name && home.schema == of.schema && columns.iter().any(|(c, _)| c == name)
                        }
                        _ => false,
                    });
                    if reads {
                        self.nodes.soft(*other, *own);
                    }
                }
            }
        }
    }

    /// What reads a column that is filled in batches takes effect when that is through, and what it takes the place of
    /// stays until then, with all that this reads.
    pub(crate) fn after_filling(&mut self) {
        if self.filled.waiting.is_empty() {
            return;
        }
        let is_fill = |node: &NodeId| matches!(self.nodes[*node].statement, Statement::Alter(Alter::Backfill { .. }));
        let fills: Vec<NodeId> = self.nodes.ids().filter(is_fill).collect();
        let (mut waits, mut later) = (Vec::new(), Vec::new());
        let new = self.filled.waiting.iter().map(|&place| (Slot::New(place), self.to.object(place)));
        let old = self.filled.going.iter().map(|&place| (Slot::Old(place), self.from.object(place)));
        for (slot, object) in new.chain(old) {
            // The old index stays until the new one is there, and a constraint is checked for new rows first.
            let keeps_phase = matches!(object, Some(Object::Index(_) | Object::Constraint(_)));
            for &node in self.nodes.of(slot) {
                let is_old = matches!(slot, Slot::Old(_));
                if self.nodes[node].phase == Phase::Names || is_old && self.nodes[node].role != Role::Drop {
                    continue;
                }
                waits.push(node);
                if !keeps_phase {
                    later.push(node);
                }
            }
        }
        for node in self.nodes.ids() {
            if let Statement::SetRls { table, .. } = self.nodes[node].statement
                && self.filled.access.contains(table)
            {
                waits.push(node);
                later.push(node);
            }
        }
        for &node in &waits {
            fills.iter().for_each(|&fill| self.nodes.edge(fill, node));
        }
        // What comes after it in the same transaction does so in the one that it moved to.
        let mut seen: FxHashSet<NodeId> = FxHashSet::default();
        let after = self.nodes.after();
        while let Some(node) = later.pop() {
            if seen.insert(node) {
                let phase = self.nodes[node].phase;
                if matches!(phase, Phase::Main | Phase::Labels) {
                    self.nodes[node].phase = Phase::CutOver;
                }
                later.extend(after.get(&node).into_iter().flatten());
            }
        }
    }
}
