//! What values are read from goes after those have been read.

use crate::action_graph::Role;
use crate::moving::{Source, told_apart};
use crate::place::{NodeId, Planned};
use crate::planner::Builder;
use crate::schedule::Phase;
use specc_catalog::{IdRef, Object};
use specc_sql::{Alter, Statement};

impl Builder<'_, '_> {
    /// After a column is filled, required and no longer kept up.
    pub(crate) fn read_first(&mut self) -> Planned {
        let fills: Vec<_> = self
            .nodes
            .iter()
            .filter_map(|(id, node)| match &node.statement {
                Statement::Alter(Alter::Backfill { table, set, .. }) => Some((id, *table, set.clone())),
                _ => None,
            })
            .collect();
        for (fill, table, set) in fills {
            for (column, _) in set {
                let gone: Vec<Source> = self.moving.after_column(table, column).cloned().collect();
                if gone.is_empty() {
                    continue;
                }
                let mut after = vec![fill];
                after.extend(self.required.get(&(table.clone(), column.into())));
                // Its trigger works with what goes.
                let slot = self.nodes[fill].slot;
                after.extend(self.nodes.of(slot).iter().copied().filter(|&node| {
                    matches!(
                        self.nodes[node].statement,
                        Statement::DropTemporary(Object::Trigger(_) | Object::Function(_))
                    )
                }));
                gone.iter().try_for_each(|source| self.goes_after(source, &after))?;
            }
        }
        let types: Vec<_> = self.moving.types().map(|(own, read)| (own.clone(), read.clone())).collect();
        for ((table, column), read) in types {
            let Some(place) = self.to.find(IdRef::table(&table)) else { continue };
            // Where it moves, its trigger works with what goes.
            let after = self.nodes.of(place).iter().copied().filter(|&node| match &self.nodes[node].statement {
                Statement::Alter(Alter::SetType { to, .. }) => to.name == column,
                Statement::DropTemporary(Object::Trigger(_) | Object::Function(_)) => true,
                _ => false,
            });
            let after: Vec<NodeId> = after.collect();
            read.iter().try_for_each(|source| self.goes_after(source, &after))?;
        }
        Ok(())
    }

    /// What goes does so after these.
    pub(crate) fn goes_after(&mut self, source: &Source, after: &[NodeId]) -> Planned {
        let Some(place) = self.from.find(IdRef::table(&source.table)) else { return Ok(()) };
        for node in self.nodes.with(place, &[Role::Drop]) {
            let is_it = match (&self.nodes[node].statement, &source.column) {
                (Statement::Alter(Alter::DropColumn { column, .. }), Some(name)) => column.name == *name,
                (Statement::DropTable(_), None) => true,
                (Statement::Alter(Alter::DropMoved { .. }), None) => true,
                _ => false,
            };
            if !is_it {
                continue;
            }
            if source.column.is_none()
                && self.moving.keeps(&source.table, None)
                && let Object::Table(table) = &self.from.entry(place)?.object
            {
                // What not all of the tables take that its rows go to.
                let left = told_apart(self.set, self.hints, &table.table).unwrap_or_default();
                let leaves =
                    table.columns.iter().map(|own| own.name.as_str()).filter(|own| left.iter().any(|l| l == own));
                let dropped = Alter::DropMoved { table, leaves: leaves.collect(), filled: Vec::new() };
                self.nodes[node].statement = Statement::Alter(dropped);
            }
            if !self.options.one {
                self.nodes[node].phase = self.nodes[node].phase.max(Phase::CutOver);
            }
            after.iter().for_each(|&after| self.nodes.edge(after, node));
        }
        Ok(())
    }
}
