//! What a column that moves leaves behind goes after it.

use crate::action_graph::{Node, Role};
use crate::place::NodeId;
use crate::planner::Builder;
use crate::schedule::Phase;
use specc_analysis::Target;
use specc_analysis::catalog::Known;
use specc_catalog::{IdRef, Kind, Object};
use specc_sql::{Alter, Statement};

impl<'d> Builder<'d, '_> {
    /// A type goes when the columns that leave it by way of shadow columns have done so.
    pub(crate) fn moved_off(&mut self) {
        let of_type = |node: &Node<'d>| match &node.statement {
            Statement::Alter(Alter::DropColumn { column, .. }) if node.phase > Phase::Main => Some(column.ty.clone()),
            _ => None,
        };
        let left: Vec<_> = self.nodes.iter().filter_map(|(n, node)| Some((n, of_type(node)?))).collect();
        for (node, ty) in left {
            for kind in [Kind::Enum, Kind::Domain, Kind::Composite] {
                let Some(place) = self.from.find(IdRef::new(kind, &ty.schema, &ty.name)) else { continue };
                for gone in self.nodes.with(place, &[Role::Drop]) {
                    self.nodes.edge(node, gone);
                }
            }
        }
        self.called_off();
    }

    /// A function goes when the columns whose defaults call it have moved off.
    fn called_off(&mut self) {
        let drops = |node: &Node<'d>| matches!(node.statement, Statement::Drop(Object::Function(_)));
        let gone: Vec<NodeId> = self.nodes.iter().filter(|(_, node)| drops(node)).map(|(id, _)| id).collect();
        if gone.is_empty() {
            return;
        }
        let texts = Known::new(self.from.catalog);
        for node in self.nodes.ids() {
            let Statement::Alter(Alter::DropColumn { table, column, .. }) = &self.nodes[node].statement else {
                continue;
            };
            let Some(default) = column.default.as_ref().filter(|_| self.nodes[node].phase > Phase::Main) else {
                continue;
            };
            let found = texts.of_default(table, &column.ty, &default.text).references;
            for &function in &gone {
                let Statement::Drop(Object::Function(o)) = &self.nodes[function].statement else { continue };
                let is_it = |target: &Target| {
                    matches!(target, Target::Function(name, signature)
                        if name.name == o.name && name.schema == o.schema && *signature == o.signature())
                };
                if found.iter().any(|reference| is_it(&reference.target)) {
                    self.nodes[function].phase = self.nodes[function].phase.max(Phase::CutOver);
                    self.nodes.edge(node, function);
                }
            }
        }
    }
}
