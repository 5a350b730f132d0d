//! What changes something that is there.

use crate::convert::Convert;
use crate::fill_table::{FillTable, InsertFrom};
use crate::refuse::{Misfit, Refuse};
use smol_str::SmolStr;
use specc_catalog::{
    Column, Composite, Constraint, DataType, Domain, Enum, Extension, Index, Object, ObjectId, Policy, Qualified, Role,
    Rule, Sequence, SequenceOptions, SqlExpr, TableName, Trigger,
};

/// A change to an object that stays.
#[derive(Clone, Debug, PartialEq)]
pub enum Alter<'a> {
    /// Another name for an object.
    Rename {
        /// As it is called, its parents as they are called by then.
        from: &'a Object,
        /// Its own new name.
        to: &'a str,
    },
    /// Another schema for an object and what is a part of it.
    SetSchema {
        /// As it is called.
        from: &'a Object,
        /// The schema.
        to: &'a str,
    },
    /// Another name for a column, an enum's label or an attribute.
    RenamePart {
        /// Of this table, enum or composite type.
        of: &'a ObjectId,
        /// The table or view, if it is one.
        table: Option<&'a TableName>,
        /// As it is called.
        from: &'a str,
        /// As it will be.
        to: &'a str,
    },
    /// A new column, at the end.
    AddColumn {
        /// Of this table.
        table: &'a TableName,
        /// The column.
        column: &'a Column,
        /// Every row is written: a domain is asked for each of them, or the default may differ from row to row.
        each_row: bool,
    },
    /// Takes a column.
    DropColumn {
        /// Of this table.
        table: &'a TableName,
        /// The column.
        column: &'a Column,
        /// Its values stand elsewhere, or can be computed again.
        kept: bool,
        /// They were moved to another column or table.
        moved: bool,
    },
    /// Another type or collation.
    SetType {
        /// Of this table.
        table: &'a TableName,
        /// As it was.
        from: &'a Column,
        /// As it will be.
        to: &'a Column,
        /// How a value becomes one of the new type, where it does not by itself.
        using: Option<&'a str>,
    },
    /// Null is no longer taken.
    SetNotNull {
        /// Of this table.
        table: &'a TableName,
        /// Of this column.
        column: &'a str,
        /// A valid check says already that there is none: nothing is read.
        proven: bool,
    },
    /// Null is taken.
    DropNotNull {
        /// Of this table.
        table: &'a TableName,
        /// Of this column.
        column: &'a str,
    },
    /// An identity is added, changed or taken.
    SetIdentity {
        /// Of this table.
        table: &'a TableName,
        /// Of this column.
        column: &'a str,
        /// As it was.
        from: Option<&'a (bool, SequenceOptions)>,
        /// As it will be.
        to: Option<&'a (bool, SequenceOptions)>,
    },
    /// The numbers of one identity or serial column go on in another.
    CopySequence {
        /// Of this table.
        table: &'a TableName,
        /// The table that had them.
        source: &'a TableName,
        /// Whose numbers these were.
        from: &'a str,
        /// Whose they will be.
        to: &'a str,
    },
    /// Refuses to go on while rows hold labels that their type is to lose.
    RefuseLabels {
        /// Of this table.
        table: &'a TableName,
        /// A column of the type.
        column: &'a Column,
        /// What goes.
        labels: Vec<&'a str>,
    },
    /// Refuses to go on while there are such rows.
    RefuseRows(Misfit<'a>),
    /// Asks what the values of a column become in another type.
    Convert(Convert<'a>),
    /// A generated column becomes an ordinary one, with the values that it has.
    DropExpression {
        /// Of this table.
        table: &'a TableName,
        /// The column.
        column: &'a Column,
    },
    /// How long values are compressed from now on.
    SetCompression {
        /// Of this table.
        table: &'a TableName,
        /// The column.
        column: &'a Column,
    },
    /// Storage parameters.
    SetOptions {
        /// A table, view or index.
        of: &'a Object,
        /// As they were.
        from: &'a [(SmolStr, SmolStr)],
        /// As they will be.
        to: &'a [(SmolStr, SmolStr)],
    },
    /// Written to the log, or not.
    SetLogged {
        /// The table.
        table: &'a TableName,
        /// Whether it is.
        logged: bool,
    },
    /// A constraint that is not checked against the rows that are there.
    AddNotValid(&'a Constraint),
    /// A key whose index is there already, under this name.
    AddUsingIndex(&'a Constraint, &'a str),
    /// Fills columns in batches, each in a transaction of its own; what was filled before an interruption stays.
    Backfill {
        /// Of this table.
        table: &'a TableName,
        /// Column and expression.
        set: Vec<(&'a str, &'a str)>,
        /// A column that holds what the first one is given, so that it can be taken back.
        was_null: Option<&'a str>,
        /// Which rows are still to do.
        pending: &'a str,
        /// A row may be asked and still be to do: then it ends where a round over all of them fills none.
        gives_up: bool,
        /// What no row may hold in the end.
        refuse: Option<Refuse<'a>>,
        /// What the expressions read of the session, and what that has to be.
        settings: Vec<(&'a str, &'a str)>,
        /// It has partitions.
        divided: bool,
        /// Triggers keep values of other tables that follow from these columns: they see each row.
        counted: bool,
        /// All rows in one statement, in the transaction of others.
        at_once: bool,
        /// Other columns of the table may be filled in the same pass.
        joins: bool,
    },
    /// Writes rows to a table from those of another one.
    FillTable(FillTable<'a>),
    /// Writes the rows of a query to a table.
    InsertFrom(InsertFrom<'a>),
    /// Drops a table whose rows are in another one by now.
    DropMoved {
        /// The table.
        table: &'a specc_catalog::Table,
        /// Its columns that the other table does not have: what they hold is lost.
        leaves: Vec<&'a str>,
        /// Its columns in which another value stands for null in the other table.
        filled: Vec<&'a str>,
    },
    /// Gives the nulls back that a backfill filled, where nobody has written another value since.
    Unfill {
        /// Of this table.
        table: &'a TableName,
        /// The column that was filled.
        column: &'a Column,
        /// The column that holds what it was filled with.
        with: &'a str,
        /// Triggers keep values of other tables that follow from it: they see each row.
        counted: bool,
    },
    /// Works out columns that triggers keep equal to counts and sums, from the rows that they count, while nobody writes
    /// those.
    Count {
        /// Of this table.
        table: &'a TableName,
        /// Column and value.
        set: Vec<(&'a str, &'a str)>,
        /// The tables whose rows are counted.
        of: Vec<&'a TableName>,
        /// The trigger that keeps everybody else from setting them.
        guard: Option<&'a str>,
        /// A column whose values nothing counted so far.
        by_hand: Option<&'a Column>,
    },
    /// Lets those finish who are writing to the table, and keeps others waiting to the end of the transaction.
    AwaitWriters(&'a TableName),
    /// A new label.
    AddLabel {
        /// Of this enum.
        ty: &'a Enum,
        /// The label.
        label: &'a str,
        /// Before this one; otherwise at the end.
        before: Option<&'a str>,
    },
    /// The default of a domain.
    DomainDefault(&'a Domain),
    /// Whether a domain takes null; tables with columns of it.
    DomainNull(&'a Domain, Vec<&'a TableName>),
    /// Takes a check from a domain.
    DropDomainCheck(&'a Domain, &'a str),
    /// Another name for a check of a domain.
    RenameDomainCheck {
        /// The domain.
        domain: &'a Domain,
        /// As it is called.
        from: &'a str,
        /// As it will be.
        to: &'a str,
    },
    /// Adds a check to a domain: for new values only, or also checks those that are there, in these tables.
    AddDomainCheck(&'a Domain, &'a (SmolStr, SqlExpr), Option<Vec<&'a TableName>>),
    /// Checks the values that were there before, in these tables.
    ValidateDomainCheck(&'a Domain, &'a str, Vec<&'a TableName>),
    /// Adds an attribute.
    AddAttribute(&'a Composite, &'a (SmolStr, DataType, Option<Qualified>)),
    /// Takes an attribute.
    DropAttribute(&'a Composite, &'a str),
    /// Another type for an attribute.
    SetAttribute(&'a Composite, &'a (SmolStr, DataType, Option<Qualified>)),
    /// The numbers of a sequence.
    SetSequence {
        /// As it was.
        from: &'a Sequence,
        /// As it will be.
        to: &'a Sequence,
    },
    /// Roles and conditions of a policy.
    SetPolicy {
        /// As it was.
        from: &'a Policy,
        /// As it will be.
        to: &'a Policy,
    },
    /// Options and memberships of a role.
    SetRole {
        /// As it was.
        from: &'a Role,
        /// As it will be.
        to: &'a Role,
    },
    /// Version and schema of an extension.
    SetExtension {
        /// As it was.
        from: &'a Extension,
        /// As it will be.
        to: &'a Extension,
    },
    /// Whether a trigger fires.
    SetTrigger(&'a Trigger),
    /// Makes a partition of a table that stands alone.
    Attach {
        /// The partition, with what it is a part of.
        partition: &'a specc_catalog::Table,
    },
    /// Makes a table inherit from another one, or not any more.
    Inherit {
        /// The heir.
        table: &'a TableName,
        /// From whom.
        parent: &'a TableName,
        /// Whether it does.
        inherits: bool,
    },
    /// What the table is known by to a replica, or was put in the order of, by one index, it is by another from now on.
    HandOver {
        /// Of this table.
        table: &'a TableName,
        /// The index that goes.
        from: &'a str,
        /// The index that takes its place.
        to: &'a str,
    },
    /// What says that columns are required is called after the names that they have by now: since Postgres 18 it has a name.
    NameRequired {
        /// Of this table.
        table: &'a TableName,
        /// The columns.
        columns: Vec<&'a str>,
    },
    /// Moves the rows that belong into a new partition out of the default one, while that stands alone.
    MoveRows {
        /// The partition, with what it is a part of.
        partition: &'a specc_catalog::Table,
        /// What its whole has no other partition for.
        rest: &'a TableName,
        /// The columns that are written.
        columns: Vec<&'a str>,
    },
    /// Writes the rows of what was a partition to what it was a partition of.
    ReturnRows {
        /// What was the partition, with what it was a part of.
        partition: &'a specc_catalog::Table,
        /// The columns that are written.
        columns: Vec<&'a str>,
        /// Which of them; none: all.
        only: Option<&'a str>,
    },
    /// Puts rows aside that a partition has no place for under its new bounds, while it stands alone.
    HoldRows {
        /// The partition.
        partition: &'a specc_catalog::Table,
        /// Whether a row is within the new bounds.
        within: &'a str,
    },
    /// Writes them to what it is a partition of, where another one takes them.
    ReleaseRows {
        /// The partition, with what it is a part of.
        partition: &'a specc_catalog::Table,
        /// The columns that are written.
        columns: Vec<&'a str>,
    },
    /// Makes a partition stand alone.
    Detach {
        /// The partition, with what it is a part of.
        partition: &'a specc_catalog::Table,
    },
}

/// What a change of type costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TypeChange {
    /// Only the system's own tables are written.
    Free,
    /// The values stay as they are, indexes over the column are built anew.
    Reindex,
    /// Every row is written anew.
    Rewrite,
}

/// What it costs to go from one type to the other, as measured on Postgres 15 to 18.
pub fn type_change(from: &Column, to: &Column) -> TypeChange {
    let (a, b) = (&from.ty, &to.ty);
    if a == b {
        return if from.collation == to.collation { TypeChange::Free } else { TypeChange::Reindex };
    }
    if a.dims != b.dims || !a.schema.is_empty() || !b.schema.is_empty() {
        return TypeChange::Rewrite;
    }
    let first = |ty: &DataType| ty.args.first().copied();
    if a.name != b.name {
        // The same bytes serve as they are; a limit has to be looked at.
        let same_bytes = a.dims == 0
            && specc_facts::keeps_bytes(&a.name, &b.name)
            && first(b).is_none()
            && !specc_facts::limited_without_length(&b.name);
        return if same_bytes { TypeChange::Reindex } else { TypeChange::Rewrite };
    }
    // Of an array only the whole limit is taken away for nothing; any other change makes every element anew.
    let without = b.args.is_empty() && !specc_facts::limited_without_length(&b.name);
    let wider = a.dims == 0 && specc_facts::widens(&a.name, &a.args, &b.args);
    if without || wider { TypeChange::Free } else { TypeChange::Rewrite }
}

/// An index that carries a key: built beside the table first, then made the constraint's own.
pub fn key_index(constraint: &Constraint, name: &str) -> Option<Index> {
    let (columns, include, nulls_not_distinct) = match &constraint.rule {
        Rule::PrimaryKey { columns, include } => (columns, include, false),
        Rule::Unique { columns, include, nulls_not_distinct } => (columns, include, *nulls_not_distinct),
        _ => return None,
    };
    Some(Index {
        table: constraint.table.clone(),
        name: name.into(),
        unique: true,
        method: "btree".into(),
        keys: columns.iter().map(|column| specc_catalog::IndexKey::column(column.clone())).collect(),
        include: include.clone(),
        filter: None,
        options: Default::default(),
        nulls_not_distinct,
    })
}
