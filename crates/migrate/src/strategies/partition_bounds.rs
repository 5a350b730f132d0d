//! Partitions whose bounds change: rows that one has no place for any more go to the one that takes them.

use super::moved_table::misfit::within;
use super::partition_beside::written;
use crate::action_graph::Role;
use crate::place::{NodeId, State};
use crate::planner::Builder;
use specc_catalog::{Bounds, KeyOn, Object, Table, TableName};
use specc_sql::quote::ident;
use specc_sql::{Alter, Statement};

/// What divides a table, as SQL over a row.
fn keys(whole: &Table) -> Option<Vec<String>> {
    let by = whole.partition_by.as_ref()?;
    let sql = |on: &KeyOn| match on {
        KeyOn::Column(column) => ident(column).into_owned(),
        KeyOn::Expr(expr) => format!("({})", expr.text),
    };
    Some(by.keys.iter().map(|key| sql(&key.on)).collect())
}

/// The parts of a table with their bounds.
fn parts<'d, S>(state: State<'d, S>, whole: &TableName) -> Vec<(&'d Table, &'d Bounds)> {
    let part = |object: &'d Object| match object {
        Object::Table(part) => {
            part.partition_of.as_ref().filter(|(of, _)| of == whole).map(|(_, bounds)| (&**part, bounds))
        }
        _ => None,
    };
    state.catalog.iter().filter_map(|(_, entry)| part(&entry.object)).collect()
}

impl<'d> Builder<'d, '_> {
    /// Whether bounds of parts of a table, which is divided as before, are not what they were.
    pub(crate) fn rebounds(&self, whole: &TableName) -> bool {
        let before = parts(self.from, whole);
        let other =
            |(part, bounds): &(&Table, &Bounds)| before.iter().any(|(was, of)| was.table == part.table && of != bounds);
        parts(self.to, whole).iter().any(other)
    }

    /// The condition under which some part of a table takes a row; none where one takes all, or only Postgres can say.
    pub(crate) fn taken_within<S>(&self, state: State<'d, S>, whole: &Table) -> Option<String> {
        let keys = keys(whole)?;
        let all: Option<Vec<String>> =
            parts(state, &whole.table).into_iter().map(|(_, bounds)| within(&keys, bounds)).collect();
        all.filter(|all| !all.is_empty()).map(|all| all.join(" or "))
    }

    /// What makes parts of a table, or makes them parts again.
    pub(crate) fn coming(&self, whole: &TableName) -> Vec<(&'d TableName, NodeId)> {
        let made = self.nodes.iter().filter_map(|(id, node)| match &node.statement {
            Statement::CreateTable { table: part, .. } | Statement::Alter(Alter::Attach { partition: part }) => {
                part.partition_of.as_ref().filter(|(of, _)| of == whole).map(|_| (&part.table, id))
            }
            _ => None,
        });
        made.collect()
    }

    /// Rows that a part has no place for any more are aside while the parts change their bounds.
    pub(crate) fn within_new_bounds(&mut self) {
        let changed = self.nodes.iter().filter_map(|(attach, node)| {
            let Statement::Alter(Alter::Attach { partition }) = node.statement else { return None };
            let (whole, bounds) = partition.partition_of.as_ref()?;
            let (of, was) = self.from.table(&partition.table)?.partition_of.as_ref()?;
            (of == whole && was != bounds).then_some((attach, partition, whole, bounds))
        });
        for (attach, partition, whole, bounds) in changed.collect::<Vec<_>>() {
            let Some(table) = self.to.table(whole) else { continue };
            let others = parts(self.to, whole).iter().any(|(part, _)| part.table != partition.table);
            let own = keys(table).and_then(|keys| within(&keys, bounds)).filter(|_| others);
            let Some(own) = own else { continue };
            let detach = self.nodes.iter().find(|(_, node)| {
                matches!(node.statement, Statement::Alter(Alter::Detach { partition: other }) if other.table == partition.table)
            });
            let Some((detach, _)) = detach else { continue };
            let (slot, phase) = (self.nodes[attach].slot, self.nodes[attach].phase);
            let hold = Alter::HoldRows { partition, within: self.arena.text(own) };
            let hold = self.nodes.push(slot, Role::After, phase, Statement::Alter(hold));
            let release = Alter::ReleaseRows { partition, columns: written(table) };
            let release = self.nodes.push(slot, Role::After, phase, Statement::Alter(release));
            self.nodes.edge(detach, hold);
            self.nodes.edge(hold, attach);
            for (_, came) in self.coming(whole) {
                self.nodes.edge(came, release);
            }
        }
    }
}
