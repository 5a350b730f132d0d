//! Bodies that go by the order of columns, beside what changes those.

use crate::place::{NewPlace, NodeId, OldPlace};
use crate::planner::Builder;
use specc_analysis::catalog::Known;
use specc_catalog::{Body, Object, Qualified};
use specc_sql::{Alter, Statement};

impl Builder<'_, '_> {
    /// Whether a body that Postgres keeps as a text gives or takes whole rows of what a statement takes a column from: it fits
    /// when that column is gone, and Postgres looks at it when it is replaced.
    pub(crate) fn fits_without(&self, old: OldPlace, new: NewPlace, node: NodeId, texts: [&Known<'_>; 2]) -> bool {
        let of = match &self.nodes[node].statement {
            Statement::Alter(Alter::DropColumn { table, .. }) => Qualified::new(&*table.schema, &*table.name),
            Statement::Alter(Alter::DropAttribute(ty, _)) => Qualified::new(&*ty.schema, &*ty.name),
            _ => return false,
        };
        let goes = |object: Option<&Object>, texts: &Known<'_>| match object {
            Some(Object::Function(o)) if !matches!(o.body, Body::Atomic(_)) => {
                texts.by_order(o, &[]).iter().any(|(relation, _)| *relation == of)
            }
            _ => false,
        };
        goes(self.from.object(old), texts[0]) || goes(self.to.object(new), texts[1])
    }
}
