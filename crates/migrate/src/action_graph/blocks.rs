//! A block of SQL that runs again finds what it needs as it will be.

use crate::planner::Builder;
use specc_catalog::{IdRef, Kind};
use specc_sql::Statement;

impl Builder<'_, '_> {
    /// What is done to an object comes before a block that says it needs it, also where the object was there before.
    pub(crate) fn before_blocks(&mut self) {
        let needs = self.to.needs();
        for node in self.nodes.ids() {
            let Statement::RunSql(block) = &self.nodes[node].statement else { continue };
            let Some(place) = self.to.find(IdRef::new(Kind::Sql, "", &block.name)) else { continue };
            let phase = self.nodes[node].phase;
            for (need, _) in needs.of(place) {
                let done: Vec<_> =
                    self.nodes.of(need).iter().copied().filter(|n| self.nodes[*n].phase <= phase).collect();
                done.into_iter().for_each(|before| self.nodes.soft(before, node));
            }
        }
    }
}
