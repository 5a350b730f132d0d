//! A partition that comes beside a default one: rows that belong into it stand there.

use crate::account::called_before;
use crate::action_graph::{Node, Role, Slot};
use crate::place::NodeId;
use crate::planner::Builder;
use specc_catalog::{Bounds, Object, Rule, Table, TableName};
use specc_sql::{Alter, Statement};

/// The columns that are given values.
pub(super) fn written(table: &Table) -> Vec<&str> {
    let written = table.columns.iter().filter(|column| column.generated.is_none());
    written.map(|column| column.name.as_str()).collect()
}

impl<'d> Builder<'d, '_> {
    /// The default partition stands alone while others come and take their rows, and is checked when it comes back. All of it
    /// is one transaction: nobody sees a row missing.
    pub(crate) fn beside_default(&mut self) {
        let coming = self.nodes.iter().filter_map(|(id, node)| match &node.statement {
            Statement::CreateTable { table: o, .. } | Statement::Alter(Alter::Attach { partition: o }) => {
                let (whole, bounds) = o.partition_of.as_ref()?;
                (*bounds != Bounds::Default).then_some((whole, *o, id))
            }
            _ => None,
        });
        let mut coming: Vec<(&'d TableName, &'d Table, NodeId)> = coming.collect();
        coming.sort_by_key(|(whole, _, id)| (*whole, *id));
        for some in coming.chunk_by(|a, b| a.0 == b.0) {
            let whole = some[0].0;
            let Some((rest, slot)) = self.default_of(whole) else { continue };
            let leads = |o: &Object| matches!(o, Object::Constraint(o) if matches!(&o.rule, Rule::ForeignKey(key) if key.target == *whole));
            if self.from.iter().any(|(_, entry)| leads(&entry.object)) {
                let why = "its rows may stand in the default partition, and cannot leave that while references lead to \
                           them: take the references away first, and give them back afterwards";
                self.impossible.extend(some.iter().map(|(_, part, _)| (part.table.id(), why.to_owned())));
                continue;
            }
            let columns = self.to.table(whole).map_or_else(Vec::new, written);
            let phase =
                some.iter().map(|(_, _, id)| self.nodes[*id].phase).max().unwrap_or(self.nodes[some[0].2].phase);
            let detach = Statement::Alter(Alter::Detach { partition: rest });
            let detach = self.nodes.push(slot, Role::After, phase, detach);
            let attach = Statement::Alter(Alter::Attach { partition: rest });
            let attach = self.nodes.push(slot, Role::After, phase, attach);
            for &(_, partition, made) in some {
                let moved = Alter::MoveRows { partition, rest: &rest.table, columns: columns.clone() };
                let moved = self.nodes.push(slot, Role::After, phase, Statement::Alter(moved));
                self.nodes.edge(detach, made);
                self.nodes.edge(made, moved);
                self.nodes.edge(moved, attach);
            }
        }
    }

    /// On the way back, the rows of a partition that goes stand in the default one again, or in one that takes them with its
    /// bounds of before.
    pub(crate) fn back_to_others(&mut self) {
        if !self.options.one {
            return;
        }
        let going: Vec<(NodeId, &'d Table)> = self
            .nodes
            .iter()
            .filter_map(|(id, node)| match node.statement {
                Statement::DropTable(o) => Some((id, o)),
                _ => None,
            })
            .collect();
        for (drop, part) in going {
            let Some((whole, _)) = part.partition_of.as_ref().filter(|(_, bounds)| *bounds != Bounds::Default) else {
                continue;
            };
            let Some(table) = self.to.table(whole) else { continue };
            let only = match self.default_of(whole) {
                Some(_) => None,
                None if !self.rebounds(whole) => continue,
                None => match self.taken_within(self.to, table) {
                    Some(fits) => Some(self.arena.text(fits)),
                    None => continue,
                },
            };
            let columns = written(table);
            let detached: Vec<NodeId> = self
                .nodes
                .iter()
                .filter(|(_, node)| {
                    matches!(node.statement, Statement::Alter(Alter::Detach { partition }) if partition.table == part.table)
                })
                .map(|(id, _)| id)
                .collect();
            let Node { slot, phase, .. } = self.nodes[drop].clone();
            let gone = match detached.first() {
                Some(&gone) => gone,
                None => {
                    let detach = Statement::Alter(Alter::Detach { partition: part });
                    self.nodes.push(slot, Role::Drop, phase, detach)
                }
            };
            let back = Alter::ReturnRows { partition: part, columns, only };
            let back = self.nodes.push(slot, Role::Drop, phase, Statement::Alter(back));
            self.nodes.edge(gone, back);
            self.nodes.edge(back, drop);
            for (_, came) in self.coming(whole) {
                self.nodes.edge(came, back);
            }
            // A part gets the names of its table as long as it is one.
            let was = called_before(self.set.renamed, &whole.id());
            let renames = self.nodes.iter().filter(|(_, node)| {
                matches!(node.statement, Statement::Alter(Alter::RenamePart { .. }))
                    && node.statement.table().is_some_and(|of| *of == *whole || *of == was)
            });
            for rename in renames.map(|(id, _)| id).collect::<Vec<_>>() {
                self.nodes.soft(rename, gone);
            }
            if only.is_none() {
                // Nothing is lost by it any more.
                self.nodes[drop].statement = Statement::DropTemporary(self.arena.object(part.clone()));
            }
        }
    }

    /// The default partition of a table, where it was there and stays.
    fn default_of(&self, whole: &TableName) -> Option<(&'d Table, Slot)> {
        let is_default = |object: &Object| matches!(object, Object::Table(o) if o.partition_of.as_ref().is_some_and(|(of, bounds)| of == whole && *bounds == Bounds::Default));
        let (place, id, entry) = self.to.places().find(|(_, _, entry)| is_default(&entry.object))?;
        let was = self.from.get(id).is_some_and(|entry| is_default(&entry.object));
        match &entry.object {
            Object::Table(o) if was => Some((o, Slot::New(place))),
            _ => None,
        }
    }
}
