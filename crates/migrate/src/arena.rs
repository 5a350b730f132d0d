//! What the planner makes up on the way: temporary columns, checks and indexes. It lives as long as the plan.

use smol_str::SmolStr;
use specc_catalog::{
    Column, Constraint, Hints, Index, Object, ObjectId, Privilege, Sequence, SqlExpr, Table, TableName,
};
use specc_diff::Renamed;

/// Keeps made-up objects, so that statements can borrow them like any other.
#[derive(Default)]
pub struct Arena {
    objects: typed_arena::Arena<Object>,
    constraints: typed_arena::Arena<Constraint>,
    sequences: typed_arena::Arena<Sequence>,
    tables: typed_arena::Arena<Table>,
    indexes: typed_arena::Arena<Index>,
    columns: typed_arena::Arena<Column>,
    exprs: typed_arena::Arena<SqlExpr>,
    ids: typed_arena::Arena<ObjectId>,
    names: typed_arena::Arena<TableName>,
    texts: typed_arena::Arena<SmolStr>,
    privileges: typed_arena::Arena<Vec<Privilege>>,
    hints: typed_arena::Arena<Hints>,
    renamed: typed_arena::Arena<Renamed>,
}

impl Arena {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn object(&self, object: impl Into<Object>) -> &Object {
        self.objects.alloc(object.into())
    }

    /// A constraint, as an object and as itself.
    pub(crate) fn constraint(&self, constraint: Constraint) -> (&Object, &Constraint) {
        let kept = self.constraints.alloc(constraint);
        (self.object(kept.clone()), kept)
    }

    pub(crate) fn sequence(&self, sequence: Sequence) -> &Sequence {
        self.sequences.alloc(sequence)
    }

    pub(crate) fn table(&self, table: Table) -> &Table {
        self.tables.alloc(table)
    }

    pub(crate) fn index(&self, index: Index) -> &Index {
        self.indexes.alloc(index)
    }

    pub(crate) fn column(&self, column: Column) -> &Column {
        self.columns.alloc(column)
    }

    pub(crate) fn id(&self, id: ObjectId) -> &ObjectId {
        self.ids.alloc(id)
    }

    pub(crate) fn expr(&self, expr: SqlExpr) -> &SqlExpr {
        self.exprs.alloc(expr)
    }

    pub(crate) fn text(&self, text: impl Into<SmolStr>) -> &str {
        self.texts.alloc(text.into())
    }

    pub(crate) fn renamed(&self, renamed: Renamed) -> &Renamed {
        self.renamed.alloc(renamed)
    }

    pub(crate) fn hints(&self, hints: Hints) -> &Hints {
        self.hints.alloc(hints)
    }

    pub(crate) fn table_name(&self, name: TableName) -> &TableName {
        self.names.alloc(name)
    }

    pub(crate) fn privileges(&self, privileges: Vec<Privilege>) -> &[Privilege] {
        self.privileges.alloc(privileges)
    }
}
