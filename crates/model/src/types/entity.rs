//! Entities: fields and relations.

use super::{
    Check, EntityId, Exclude, ExprRef, FieldIx, Index, Key, Limit, Meta, Object, Partition, PartitionBy, Placement,
    Promise, Qualified, RelationId, Retain, Rule, Search, Trigger, Type, Unique, Workflow,
};
use smol_str::SmolStr;
use specc_catalog::ColumnStatistics;
use specc_diag::Span;
use specc_syntax::ast;

#[derive(Clone, Debug)]
pub struct Entity {
    pub id: EntityId,
    pub meta: Meta,
    pub name: Qualified,
    pub external: bool,
    pub unlogged: bool,
    pub rls: Rls,
    pub options: Vec<ast::Setting>,
    /// None where the key is.
    pub replica_identity: Option<ReplicaIdentity>,
    /// Whose columns it has too; they come first among `fields`.
    pub inherits: Vec<EntityId>,
    /// Where its rows come from when it is new.
    pub origins: Vec<Origin>,
    /// What it needs besides what it names.
    pub depends: Vec<Object>,
    pub fields: Vec<Field>,
    pub key: Option<Key>,
    pub uniques: Vec<Unique>,
    pub checks: Vec<Check>,
    pub excludes: Vec<Exclude>,
    pub indexes: Vec<Index>,
    pub searches: Vec<Search>,
    pub partition_by: Option<PartitionBy>,
    pub partitions: Vec<Partition>,
    pub workflows: Vec<Workflow>,
    pub limits: Vec<Limit>,
    pub triggers: Vec<Trigger>,
    /// From `policy on` blocks, the entity's own, and its mixins'.
    pub rules: Vec<Rule>,
    pub promises: Vec<Promise>,
    /// Which of its rows exist for everyone, as a condition over a row: what its standing rules hide (`soft_delete`) is met
    /// on no path and counted nowhere.
    pub visible: Option<ExprRef>,
    /// Relations declared here, and relations that point here.
    pub outgoing: Vec<RelationId>,
    pub incoming: Vec<RelationId>,
    /// Names of the mixins used, for the docs.
    pub mixins: Vec<SmolStr>,
    pub retain: Option<Retain>,
    /// Where its rows are, if there are several servers.
    pub placement: Option<Placement>,
}

/// A query whose rows a new entity gets.
#[derive(Clone, Debug)]
pub struct Origin {
    pub span: Span,
    /// The query, as the author wrote it.
    pub query: SmolStr,
    /// The fields that it gives, in its order.
    pub columns: Vec<FieldIx>,
    /// Its parts, where each reads the rows of one table one by one; else none.
    pub branches: Vec<Branch>,
}

/// A part of a query that gives one row for each of some rows of one table.
#[derive(Clone, Debug)]
pub struct Branch {
    /// The table.
    pub table: Qualified,
    /// How the values call its row.
    pub alias: SmolStr,
    /// In the order of the columns.
    pub values: Vec<ExprRef>,
    /// Which rows; none: all.
    pub filter: Option<ExprRef>,
}

/// How a replica finds the row that was changed, if not by the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplicaIdentity {
    /// By all of its columns.
    Full,
    /// Not at all.
    Nothing,
    /// By the columns of a unique index, or of what has one.
    Index { name: SmolStr, span: Span },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rls {
    Off,
    On,
    Forced,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub meta: Meta,
    pub name: SmolStr,
    pub ty: Type,
    pub nullable: bool,
    pub default: Option<ExprRef>,
    pub generated: Option<ExprRef>,
    /// Computed when it is read.
    pub is_virtual: bool,
    /// Whether `always`, and its numbers.
    pub identity: Option<Box<(bool, Vec<ast::Setting>)>>,
    pub collation: Option<Box<Qualified>>,
    pub maintained: Option<Box<Maintained>>,
    pub immutable: bool,
    /// As written; of a computed column, that of what it is computed from.
    pub class: Option<ast::DataClass>,
    pub deprecated: Option<SmolStr>,
    pub backfill: Option<ExprRef>,
    /// What its values become where it gets this type.
    pub using: Option<ExprRef>,
    pub storage: Option<Box<SmolStr>>,
    pub compression: Option<Box<SmolStr>>,
    pub statistics: Option<Box<ColumnStatistics>>,
    /// What its values of JSON have; the check is among those of the entity.
    pub shape: Option<Box<specc_sql::Json>>,
    /// The column comes from a parent that the entity inherits from.
    pub inherited: bool,
    /// The one-column reference that this field is.
    pub relation: Option<RelationId>,
    /// The mixin that brought it.
    pub mixin: Option<SmolStr>,
}

#[derive(Clone, Debug)]
pub struct Maintained {
    pub function: MaintainedFunction,
    /// The relation counted, from its other side: `relation.from` has the counted rows.
    pub relation: RelationId,
    pub field: Option<FieldIx>,
    /// Over the counted entity; that the row exists is part of it.
    pub filter: Option<ExprRef>,
    /// Rows that do not exist for others are counted too.
    pub including_deleted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaintainedFunction {
    Count,
    Sum,
}

/// A foreign key, seen from the side that has it.
#[derive(Clone, Debug)]
pub struct Relation {
    pub id: RelationId,
    pub from: EntityId,
    pub fields: Vec<FieldIx>,
    pub to: EntityId,
    pub to_fields: Vec<FieldIx>,
    /// `event`: the way to `to`, exactly one row, or none where a field is nullable.
    pub path: SmolStr,
    /// `registrations`: the way back.
    pub inverse: SmolStr,
    /// The way back leads to at most one row (the fields are a key or unique).
    pub inverse_one: bool,
    pub nullable: bool,
    /// Constraint name, as given or by convention.
    pub constraint: SmolStr,
    pub options: ast::RefOptions,
    /// Of a reference over several columns: that of one column is the column's.
    pub doc: Option<SmolStr>,
    pub span: Span,
}
