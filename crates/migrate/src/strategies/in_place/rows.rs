//! Seed rows.

use crate::action_graph::{Phase, Role, Slot};
use crate::planner::Builder;
use specc_catalog::Object;
use specc_sql::Statement;

impl<'d> Builder<'d, '_> {
    /// Rows that are new or changed come after all else of the transaction, rows that are gone before it.
    pub(crate) fn rows(&mut self) {
        let difference = self.difference;
        let table = |catalog: &'d specc_catalog::Catalog, seed: &specc_catalog::Seed| {
            let place = catalog.index_of(&seed.table.id());
            let table = match place.and_then(|place| catalog.at(place)).map(|(_, entry)| &entry.object) {
                Some(Object::Table(table)) => Some(table),
                _ => None,
            };
            (place.map(|place| place as u32), table)
        };
        let mut last: Option<u32> = None;
        for change in &difference.rows {
            let seed = &change.seed;
            let node = if change.put {
                let (place, table) = table(self.to, seed);
                let slot = place.map_or(Slot::New(u32::MAX), Slot::New);
                let node = self.nodes.push(slot, Role::After, Phase::Main, Statement::InsertSeed { seed, table });
                // The table with all its columns first.
                for before in self.nodes.with(slot, &[Role::Make, Role::Change]) {
                    self.nodes.edge(before, node);
                }
                node
            } else {
                let (place, _) = table(self.from, seed);
                let slot = place.map_or(Slot::Old(u32::MAX), Slot::Old);
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
