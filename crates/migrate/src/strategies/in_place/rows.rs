//! Seed rows.

use crate::action_graph::{Role, Slot};
use crate::place::NodeId;
use crate::planner::Builder;
use crate::schedule::Phase;
use specc_sql::Statement;

impl<'d> Builder<'d, '_> {
    /// Rows that are new or changed come after all else of the transaction, rows that are gone before it.
    pub(crate) fn rows(&mut self) {
        let mut last: Option<NodeId> = None;
        for change in self.set.rows {
            let seed = &change.seed;
            let node = if change.put {
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
}
