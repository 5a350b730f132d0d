//! What an object uses of another one.

use super::Recreation;
use crate::place::{NewPlace, OldPlace};
use specc_analysis::Target;
use specc_catalog::{Column, DataType, Object, Qualified, SqlExpr, Table, TableName};

impl Recreation<'_, '_> {
    /// Whether a column has, before and after, a type that a block of SQL makes.
    pub(super) fn has_type_of(&self, table: &Table, new: NewPlace, cause: &Object) -> bool {
        let (Object::Sql(block), Some(Object::Table(after))) = (cause, self.to.object(new)) else { return false };
        let is_made = |ty: &DataType| {
            let made =
                block.provides.iter().any(|id| id.name == ty.name && id.schema == ty.schema && id.part.is_empty());
            made && !ty.schema.is_empty()
        };
        let stays =
            |column: &Column| after.columns.iter().any(|other| other.name == column.name && other.ty == column.ty);
        table.columns.iter().any(|column| is_made(&column.ty) && stays(column))
    }

    /// Whether an index is built anew beside the old one.
    pub(super) fn is_replaced(&self, old: OldPlace) -> bool {
        matches!(self.from.object(old), Some(Object::Index(_)))
            && (self.changed.contains(&old) || self.actions.rebuilt.contains(&old))
    }

    /// Whether an expression of a table calls a function, or uses what a block of SQL makes.
    pub(super) fn calls(&self, table: &TableName, expr: &SqlExpr, what: &Object) -> bool {
        let text = &expr.text;
        let refers = |is: &dyn Fn(&Target) -> bool| {
            self.texts.of_table(table, text).references.iter().any(|reference| is(&reference.target))
        };
        match what {
            Object::Function(o) => refers(&|target| {
                matches!(target, Target::Function(name, signature)
                    if name.name == o.name && name.schema == o.schema && *signature == o.signature())
            }),
            Object::Sql(o) => o.provides.iter().any(|id| {
                let is = |name: &Qualified| name.name == id.name && name.schema == id.schema;
                refers(&|target| match target {
                    Target::Function(name, _)
                    | Target::Type(name)
                    | Target::Relation(name)
                    | Target::Configuration(name) => is(name),
                    _ => false,
                })
            }),
            _ => false,
        }
    }
}
